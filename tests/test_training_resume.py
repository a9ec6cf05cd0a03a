"""Checkpoints: going on is as if nothing had happened, and a bad file is one clear line."""

import os
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file
from support.places import TINY
from support.training_cases import assert_equal, case, newest, work

from psubench import data, models, neurons
from psubench.errors import PsubenchError
from psubench.records.events import Message, Recorded
from psubench.training import checkpoint, weights

pytestmark = pytest.mark.slow


def curve(events):
    """What an epoch gave, its times left out."""
    epochs = {e.record["epoch"]: e.record for e in events if isinstance(e, Recorded)}
    return [{k: v for k, v in epochs[n].items() if "seconds" not in k} for n in sorted(epochs)]


@pytest.mark.parametrize(
    ("neuron", "values"),
    [
        ("psu", {}),
        ("ipsu", {"optimizer": "sgd", "schedule": "cosine", "lr": 0.1}),
        ("masked-psn", {"loss": "mse"}),
        ("spsn", {"loss": "tet", "eval_samples": 3}),
        ("lif", {"precision": "bfloat16", "deterministic": True, "schedule": "constant"}),
    ],
)
def test_a_resumed_training_is_bit_identical(neuron, values, tmp_path):
    one = case(neuron, **values)
    whole, events = work(one, tmp_path / "whole")
    assert whole.status == "ok", whole.message
    with pytest.raises(KeyboardInterrupt):
        work(one, tmp_path / "parts", stop_after=2)
    assert newest(tmp_path / "parts")["epoch"] == 2
    resumed, later = work(one, tmp_path / "parts")
    assert resumed.status == "ok", resumed.message
    assert_equal(newest(tmp_path / "whole"), newest(tmp_path / "parts"))
    assert curve(events) == curve(later)
    assert whole.test == resumed.test
    torch.use_deterministic_algorithms(False)


def test_another_seed_is_another_training(tmp_path):
    _, events = work(case(seed=0), tmp_path / "a")
    _, others = work(case(seed=1), tmp_path / "b")
    assert curve(events) != curve(others)


def test_the_last_two_are_kept_and_nothing_unfinished(tmp_path):
    work(case(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "epoch-00003.pt", "epoch-00004.pt", "weights.safetensors",
    ]  # fmt: skip


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def cut(path, _):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path, _):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = max(archive.infolist(), key=lambda entry: entry.file_size)
    content[entry.header_offset + 200] ^= 1
    path.write_bytes(content)


def payload(path, trap):
    state = checkpoint.load(path)
    torch.save({**state, "model": Payload(trap)}, path)


def raw_pickle(path, trap):
    path.write_bytes(pickle.dumps(Payload(trap)))


def foreign(path, _):
    torch.save({"weights": torch.zeros(3)}, path)


def empty(path, _):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (cut, "is cut off, or is not a checkpoint"),
        (empty, "is cut off, or is not a checkpoint"),
        (flipped, "was changed after it was written"),
        (payload, "contains something other than numbers"),
        (raw_pickle, "is cut off, or is not a checkpoint"),
        (foreign, "is not a checkpoint of psubench"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_checkpoint_is_named_and_the_one_before_it_is_used(damage, complaint, tmp_path):
    one = case(epochs=3)
    whole, _ = work(one, tmp_path)
    state = newest(tmp_path)
    last = tmp_path / checkpoint.name_of(3)
    damage(last, tmp_path / "trap")
    with pytest.raises(PsubenchError, match=complaint) as caught:
        checkpoint.load(last)
    assert str(tmp_path / checkpoint.name_of(2)) in str(caught.value)
    assert "\n" not in str(caught.value)
    resumed, later = work(one, tmp_path)
    assert [complaint in e.text for e in later if isinstance(e, Message)] == [True]
    assert (resumed.status, resumed.test) == ("ok", whole.test)
    assert_equal(state, newest(tmp_path))
    assert not (tmp_path / "trap").exists()


def loaded(path, neuron="psu", T=4, model=f"{TINY}:Plain(dropout=0.3)", data_name=None):
    ref = None if data_name is None else data.parse(data_name)
    return weights.load(path, model=models.parse(model), neuron=neurons.parse(neuron), T=T, data=ref)


def test_weights_are_the_same_from_every_file(tmp_path):
    one = case(epochs=2)
    run, folder = tmp_path / "run", tmp_path / "run" / "checkpoints" / one.folder
    outcome, _ = work(one, folder)
    assert (outcome.status, outcome.message) == ("ok", None)
    state = newest(folder)["model"]
    for path in (run, folder, folder / checkpoint.WEIGHTS, folder / checkpoint.name_of(2)):
        found = loaded(path)
        assert_equal(dict(found.state), dict(state))
        assert (found.epoch, found.case) == (2, one.canonical())
    assert found.origin == f"trained 2 of 2 epochs on {TINY}:digits, seed 0"
    assert_equal(load_file(folder / checkpoint.WEIGHTS), dict(state))


@pytest.mark.parametrize("file", ["weights.safetensors", "epoch-00002.pt"])
@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"model": "mlp"}, r'trained with model ".*Plain\(dropout=0.3\)", not with "mlp"'),
        ({"neuron": "lif"}, 'trained with neuron "psu", not with "lif"'),
        ({"T": 8}, "trained with T 4, not with 8"),
        ({"data_name": "spoken-digits"}, r'trained with data ".*digits", not with "spoken-digits"'),
    ],
)
def test_weights_of_another_network_are_refused(file, other, complaint, tmp_path):
    work(case(epochs=2), tmp_path)
    with pytest.raises(PsubenchError, match=complaint):
        loaded(tmp_path / file, **other)
    with pytest.raises(PsubenchError, match=r"no training in .* there are: psu T=4 on"):
        loaded(tmp_path, **other)


def test_bad_weights_are_one_line(tmp_path):
    work(case(epochs=1), tmp_path)
    path = tmp_path / checkpoint.WEIGHTS
    cut(path, None)
    with pytest.raises(PsubenchError, match="is cut off, or is not a safetensors file"):
        loaded(path)
    with pytest.raises(PsubenchError, match="there are no weights"):
        loaded(tmp_path / "no.safetensors")
    with pytest.raises(PsubenchError, match="there is no checkpoint"):
        loaded(tmp_path / "no.pt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PsubenchError, match="there is no checkpoint in"):
        loaded(tmp_path / "empty")


def test_a_loss_that_is_no_number_stops_the_training_and_says_where(tmp_path):
    outcome, events = work(case(model=f"{TINY}:Diverges"), tmp_path)  # 60 samples: 4 steps an epoch
    assert (outcome.status, outcome.test) == ("failed", None)
    assert "the loss is nan at step 2 of epoch 2" in outcome.message
    assert [event.record["epoch"] for event in events if isinstance(event, Recorded)] == [1]
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00001.pt"]


def test_tet_needs_every_step(tmp_path):
    outcome, _ = work(case(loss="tet", model=f"{TINY}:MeanOnly"), tmp_path)
    assert outcome.status == "failed"
    assert "this network has no per_step" in outcome.message
