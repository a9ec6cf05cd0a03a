"""Weights of `sparsity`: from a checkpoint, trained on the spot, or untrained and said so."""

import json

import pytest
from support.command_line import here

pytestmark = pytest.mark.slow

MLP = ["--model", "mlp(width=0.1)", "--neurons", "psu", "--samples", "100", "--batch", "100", "--quiet"]


def sparsity(folder, *options):
    out = folder / "-".join(map(str, options))[:20]
    done = here("sparsity", *MLP, "--json", "--out", out, *options, check=0, cwd=folder)
    return json.loads(done.stdout)[-1]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a training of one epoch."""
    folder = tmp_path_factory.mktemp("trained")
    words = ["--model", "mlp(width=0.1)", "--neuron", "psu", "--epochs", "1", "--out", folder, "--quiet"]
    here("train", *words, check=0)
    return folder


def test_trained_on_the_spot_and_from_the_same_training_as_a_file_are_the_same(tmp_path, run):
    spot = sparsity(tmp_path, "--train-epochs", "1")
    assert spot["weights"] == "trained 1 of 1 epochs on spoken-digits, seed 0"
    file = sparsity(tmp_path, "--checkpoint", run)
    assert file["weights"] == spot["weights"]
    assert file["spikes"] == spot["spikes"]
    bare = sparsity(tmp_path)
    assert bare["weights"] == "untrained"
    assert bare["spikes"] != spot["spikes"]
    other = here("sparsity", *MLP[:-1], "--neurons", "lif", "--checkpoint", run, cwd=tmp_path)
    assert other.returncode == 4
    assert "there are: psu T=32 on spoken-digits" in " ".join(other.stdout.split())


def test_speed_times_the_trained_network(tmp_path, run):
    options = [
        "--model", "mlp(width=0.1)", "--neurons", "psu", "--reference", "psu", "--T", "32", "--batch", "8",
        "--phase", "infer", "--processes", "1", "--max-seconds", "0.1", "--no-memory", "--quiet", "--json",
    ]  # fmt: skip
    rates = []
    for number, weights in enumerate(([], ["--checkpoint", run])):
        done = here("speed", *options, *weights, "--out", tmp_path / f"speed{number}", check=0)
        rates.append(json.loads(done.stdout)[0]["firing_rate"])
    assert rates[0] != rates[1]
    layer = here("speed", "--checkpoint", run, cwd=tmp_path)
    assert (layer.returncode, len(layer.stderr.splitlines())) == (2, 1)
    assert "one layer was not trained" in layer.stderr


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--checkpoint", "nowhere"], '--checkpoint "nowhere" does not exist'),
        (["--checkpoint", ".", "--train-epochs", "1"], "both give weights"),
    ],
)
def test_mistakes_are_one_line(tmp_path, options, complaint):
    done = here("sparsity", *MLP, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
