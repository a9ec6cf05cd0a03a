"""What can be known to fail is told before anything is measured, by every command, in one line."""

import pytest
from support import command_line

from psubench.errors import PsubenchError
from psubench.runs.preflight import Need, check

SOURCE = """
import torch
from torch import nn


class Node(nn.Module):
    def __init__(self, tau=2.0):
        super().__init__()

    def forward(self, x):
        return (x > 1).to(x.dtype)


class Net(nn.Module):
    input_shape = (12,)

    def __init__(self, neuron, T, width=16):
        super().__init__()
        self.neuron = neuron()

    def forward(self, x):
        return self.neuron(x).mean(0)


def frames(T, batch, seed, split, rate=0.5):
    yield torch.ones(T, batch, 12), torch.zeros(batch)


Number = 3
"""


def need(**given):
    return Need(
        **{"neuron": "lif", "model": "neuron", "data": "normal", "T": 4, "batch": 2, "size": 8, **given}
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "broken.py").write_text("import nosuchmodule\nclass Node: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PSUBENCH_DATA", str(tmp_path / "nothing"))


MISTAKES = [
    ({"data": "shd"}, 'data set "shd": there is no'),
    ({"neuron": "mine.py:Nod"}, 'mine.py has no "Nod"; did you mean "Node"'),
    ({"neuron": "mine.py:Node(taw=2)"}, "got an unexpected keyword argument 'taw'"),
    ({"neuron": "mine.py:Number"}, "Number is a int"),
    ({"neuron": "broken.py:Node"}, "fails on import: ModuleNotFoundError"),
    ({"neuron": "nosuch.pack:Node"}, 'there is no module "nosuch"'),
    ({"data": "mine.py:frame"}, 'mine.py has no "frame"'),
    ({"data": "mine.py:frames(speed=1)"}, "got an unexpected keyword argument 'speed'"),
    (
        {"T": 10**6, "batch": 10**4, "size": 10**3},
        "need at least 7.45e.04 GiB, and a worker may allocate 1 GiB",
    ),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("wrong", "said"), MISTAKES)
def test_a_mistake_is_told_at_once(wrong, said):
    with pytest.raises(PsubenchError, match=said) as caught:
        check([need(), need(**wrong)], "cpu", 2**30)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("here")
def test_what_is_right_passes():
    check(
        [
            need(neuron="mine.py:Node(tau=3)"),
            need(model="mine.py:Net(width=4)", data="mine.py:frames(rate=0.1)", size=None),
        ],
        "cpu",
        2**30,
    )


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    ["speed --T 4", "sparsity --T 4 --model mlp", "profile --T 4", "train --model mlp --T 4"],
)
@pytest.mark.parametrize("end", [[], ["--dry-run"]])
def test_every_command_says_so_and_measures_nothing(command, end, tmp_path):
    done = command_line.here(*command.split(), "--neurons", "lif,mine.py:Nod", *end)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith('error: plug-in "mine.py:Nod": mine.py has no "Nod"')
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").iterdir())
