"""Weights of `sparsity`: from a checkpoint, trained on the spot, or untrained and said so."""

import json
import subprocess
import sys

import pytest

MLP = ["--model", "mlp(width=0.1)", "--neurons", "psu", "--samples", "100", "--batch", "100", "--quiet"]


def psubench(*arguments, cwd):
    command = [sys.executable, "-m", "psubench", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=200)


def sparsity(folder, *options):
    done = psubench(
        "sparsity", *MLP, "--json", "--out", folder / "-".join(map(str, options))[:20], *options, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[-1]


def test_trained_on_the_spot_and_from_the_same_training_as_a_file_are_the_same(tmp_path):
    spot = sparsity(tmp_path, "--train-epochs", "1")
    assert spot["weights"] == "trained 1 of 1 epochs on spoken-digits, seed 0"
    trained = psubench(
        "train", "--model", "mlp(width=0.1)", "--neuron", "psu", "--epochs", "1", "--out", tmp_path / "run",
        "--quiet", cwd=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    file = sparsity(tmp_path, "--checkpoint", tmp_path / "run")
    assert file["weights"] == spot["weights"]
    assert file["spikes"] == spot["spikes"]
    options = [
        "--model",
        "mlp(width=0.1)",
        "--neurons",
        "psu",
        "--reference",
        "psu",
        "--T",
        "32",
        "--batch",
        "8",
        "--phase",
        "infer",
        "--processes",
        "1",
        "--max-seconds",
        "0.1",
        "--no-memory",
        "--quiet",
        "--json",
    ]
    rates = []
    for weights in ([], ["--checkpoint", tmp_path / "run"]):
        timed = psubench(
            "speed", *options, *weights, "--out", tmp_path / f"speed{len(weights)}", cwd=tmp_path
        )
        assert timed.returncode == 0, timed.stderr
        rates.append(json.loads(timed.stdout)[0]["firing_rate"])
    assert rates[0] != rates[1]
    bare = sparsity(tmp_path)
    assert bare["weights"] == "untrained"
    assert bare["spikes"] != spot["spikes"]
    other = psubench(
        "sparsity", *MLP[:-1], "--neurons", "lif", "--checkpoint", tmp_path / "run", cwd=tmp_path
    )
    assert other.returncode == 4
    assert "there are: psu T=32 on spoken-digits" in " ".join(other.stdout.split())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--checkpoint", "nowhere"], '--checkpoint "nowhere" does not exist'),
        (["--checkpoint", ".", "--train-epochs", "1"], "both give weights"),
    ],
)
def test_mistakes_are_one_line(tmp_path, options, complaint):
    done = psubench("sparsity", *MLP, *options, cwd=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
