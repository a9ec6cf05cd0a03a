"""What a training has learned is saved and loaded whatever its network holds, and not lost to a full disk."""

import errno
import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from support import hostile_archives, hostile_files
from support.places import TINY
from support.training_cases import assert_equal, case, newest, work

from psubench.errors import PsubenchError
from psubench.experiments.accuracy.rows import summary, trainings
from psubench.records import jsonl
from psubench.records.events import Message
from psubench.render.progress import Quiet
from psubench.runs import training_processes
from psubench.runs.campaign import Campaign
from psubench.runs.trainings import Trainings
from psubench.training import checkpoint, weights
from psubench.training.network import network_of

pytestmark = pytest.mark.slow


def loaded_into_a_new_one(one, path):
    """A fresh network of the training's case with the weights of a file."""
    found = weights.load(path, model=one.model, neuron=one.neuron, T=one.T)
    network = network_of(one).module
    found.into(network)
    return network.eval()


@pytest.mark.parametrize(
    ("model", "neuron"),
    [
        ("Plain", f"{TINY}:SharedThreshold"),
        ("Plain", f"{TINY}:Buffered"),
        ("Plain", f"{TINY}:Buffered(first=7)"),
        ("Plain", f"{TINY}:Buffered(first=none)"),
        ("Tied", "lif"),
        ("Tied", f"{TINY}:SharedThreshold"),
    ],
)
def test_shared_and_tied_weights_and_buffers_are_saved_loaded_and_resumed(model, neuron, tmp_path):
    one = case(neuron, model=f"{TINY}:{model}", epochs=3)
    with pytest.raises(KeyboardInterrupt):
        work(one, tmp_path, stop_after=1)
    outcome, _ = work(one, tmp_path)
    assert (outcome.status, outcome.message) == ("ok", None)
    state = newest(tmp_path)["model"]
    assert_equal(load_file(tmp_path / checkpoint.WEIGHTS), dict(state))
    x = torch.rand(4, 5, 6, generator=torch.Generator().manual_seed(0))
    ways = [loaded_into_a_new_one(one, tmp_path / name)(x) for name in ("epoch-00003.pt", checkpoint.WEIGHTS)]
    assert torch.equal(*ways)
    trained = network_of(one).module.eval()
    assert not torch.equal(trained(x), ways[0])


def test_statistics_of_another_size_are_another_network():
    norm, other = torch.nn.BatchNorm1d(3, affine=False), torch.nn.BatchNorm1d(4, affine=False)
    with pytest.raises(RuntimeError, match="running_mean"):
        weights.put(norm, other.state_dict())


def campaign(folder, one, resume=False):
    """Trains in this process, where a test can break what it likes."""
    stream = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training_processes, "each", lambda due, _, hear: training_processes.together(due, hear))
        assert Campaign(Trainings("train", [one], 1), folder, resume, Quiet(stream)).run()
    (row,) = trainings(jsonl.read(folder / jsonl.NAME))
    return row, summary([row])[0], stream.getvalue()


def full_disk(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("what", ["torch.save", "safetensors.torch.save_file", "os.replace"])
def test_a_finished_training_is_not_lost_to_its_last_write_and_resume_finishes_it(
    what, tmp_path, monkeypatch
):
    one = case("lif", epochs=2)
    whole, *_ = campaign(tmp_path / "whole", one)
    spoiled = []
    if what == "torch.save":  # of the last epoch

        def save(state, path, real=torch.save):
            return full_disk() if state["epoch"] == 2 and not spoiled else real(state, path)

        monkeypatch.setattr(what, save)
    elif what == "os.replace":

        def replace(self, target, real=Path.replace):
            return (
                full_disk()
                if str(target).endswith(checkpoint.WEIGHTS) and not spoiled
                else real(self, target)
            )

        monkeypatch.setattr(Path, "replace", replace)
    else:
        monkeypatch.setattr(what, full_disk)
    row, summed, told = campaign(tmp_path / "run", one)
    assert row.status == "ok"
    assert row.accuracy == summed.accuracy == whole.accuracy
    assert "No space left on device; what was saved before is kept; correct the cause" in row.message
    assert row.message in summed.message
    assert "No space left" in told
    spoiled.append(True)
    monkeypatch.undo()
    row, _, _ = campaign(tmp_path / "run", one, resume=True)
    assert (row.status, row.message, row.accuracy) == ("ok", None, whole.accuracy)
    files = [path.name for path in (tmp_path / "run" / "checkpoints" / one.folder).iterdir()]
    assert sorted(files) == ["epoch-00001.pt", "epoch-00002.pt", "weights.safetensors"]
    lines = (tmp_path / "run" / jsonl.NAME).read_bytes()
    campaign(tmp_path / "run", one, resume=True)  # nothing is left to do
    assert b'"trained"' not in (tmp_path / "run" / jsonl.NAME).read_bytes()[len(lines) :]


def test_state_that_is_no_tensor_and_counts_that_fail_cost_no_result(tmp_path, monkeypatch):
    outcome, events = work(case("lif", model=f"{TINY}:Remembers", epochs=1), tmp_path / "a")
    assert (outcome.status, outcome.test["samples"]) == ("ok", 30)
    assert "cannot write" in outcome.message
    assert (
        "weights.safetensors: _extra_state is a dict, and safetensors holds only tensors" in outcome.message
    )
    assert "\n" not in outcome.message
    assert Message(outcome.message) in events
    assert outcome.activity is not None

    def fails(*_):
        raise NotImplementedError("cannot count this")

    monkeypatch.setattr("psubench.training.session.counted", fails)
    outcome, _ = work(case("lif", epochs=1), tmp_path / "b")
    assert asdict(outcome)["message"] == "NotImplementedError: cannot count this"
    assert (outcome.status, outcome.activity) == ("ok", None)
    assert (tmp_path / "b" / checkpoint.WEIGHTS).exists()


def test_numbers_that_no_record_may_hold_are_a_row_and_not_a_fault(tmp_path, monkeypatch):
    def counted(*_):
        unknown = dict.fromkeys(("n_samples", "sop_eff", "dynamics_energy_pj"))
        return {**unknown, "energy_pj": 1e40, "energy_model": "mine", "policy": "mine"}

    monkeypatch.setattr("psubench.training.session.counted", counted)
    row, _, told = campaign(tmp_path, case("lif", epochs=1))
    assert (row.status, row.accuracy, row.epochs_done) == ("failed", None, 1)
    assert "activity.energy_pj" in row.message
    assert row.message in told


def what_is_told(path, one):
    """The line of a file that is not loaded; None of one that is."""
    try:
        weights.load(path, model=one.model, neuron=one.neuron, T=4)
    except PsubenchError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["epoch-00001.pt", checkpoint.WEIGHTS])
def test_hostile_checkpoints_and_weights_are_loaded_or_told(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = case("lif", model=f"{TINY}:Plain", epochs=1)
    work(one, tmp_path)
    path = tmp_path / name
    whole, draw = path.read_bytes(), np.random.default_rng(0)
    crafted = hostile_archives.zips(tmp_path) if name.endswith(".pt") else []
    if name.endswith(".pt"):
        for part in checkpoint._PARTS:
            for value in (None, 5, [], {}, "text", [1], {1: 2}, hostile_files.Payload()):
                torch.save({**checkpoint.load(path), part: value}, tmp_path / "crafted")
                crafted.append((tmp_path / "crafted").read_bytes())
    loaded = 0
    for content in [*crafted, *hostile_files.mutations(whole, draw, hostile_files.MANY)]:
        path.write_bytes(content)
        told = what_is_told(path, one)
        loaded += told is None
        assert told is None or (str(path) in told and "\n" not in told)
    assert loaded
    assert not (tmp_path / "owned").exists()
