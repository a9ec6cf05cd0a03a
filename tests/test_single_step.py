"""Single-step stateful neurons, as users of other libraries write them, give the spikes of the whole."""

import pytest
import torch
from torch import nn

from psubench.errors import PsubenchError
from psubench.neurons import build, parse
from psubench.neurons.single_step import Stepwise

T, B, N = 9, 3, 20


def fire(h):
    return (h >= 1).to(h.dtype)


class InAttribute(nn.Module):
    """State in an attribute that the first call makes."""

    def forward(self, now):
        v = getattr(self, "v", torch.zeros_like(now))
        h = v + (now - v) / 2
        s = fire(h)
        self.v = h - s
        return s


class InNumber(nn.Module):
    """State in an attribute that begins as a number; no reset of its own."""

    def __init__(self):
        super().__init__()
        self.v = 0.0

    def forward(self, now):
        h = self.v + (now - self.v) / 2
        s = fire(h)
        self.v = h - s
        return s


class InBuffer(nn.Module):
    """State in a buffer that is changed in place."""

    def __init__(self):
        super().__init__()
        self.register_buffer("v", torch.zeros(B, N))

    def forward(self, now):
        self.v += (now - self.v) / 2
        s = fire(self.v)
        self.v -= s
        return s


class WithReset(InNumber):
    """Resets to something else than it was built with, as its `reset` says."""

    def __init__(self):
        super().__init__()
        self.v = 0.7

    def reset(self):
        self.v = 0.0


class Passed(nn.Module):
    """State is passed along and begins as None."""

    def forward(self, now, v=None):
        v = torch.zeros_like(now) if v is None else v
        h = v + (now - v) / 2
        s = fire(h)
        return s, h - s


class PassedZeros(nn.Module):
    """State is passed along and has no default."""

    def forward(self, now, v):
        h = v + (now - v) / 2
        s = fire(h)
        return s, h - s


class TwoStates(nn.Module):
    """Two states are passed along; reset_mem makes them."""

    def reset_mem(self):
        return torch.zeros(B, N), torch.zeros(())

    def forward(self, now, v, count):
        h = v + (now - v) / 2
        s = fire(h)
        return s, h - s, count + 1


class Nested(nn.Module):
    """State in a submodule."""

    def __init__(self):
        super().__init__()
        self.inner = InNumber()

    def forward(self, now):
        return self.inner(now)


KINDS = [InAttribute, InNumber, InBuffer, WithReset, Passed, PassedZeros, TwoStates, Nested]


@pytest.mark.parametrize("kind", KINDS)
def test_a_single_step_neuron_over_all_steps_is_the_lif_that_it_is(kind):
    module = Stepwise(kind())
    lif = build(parse("lif"), T)
    for seed in range(2):  # the second call begins afresh
        x = torch.randn(T, B, N, generator=torch.Generator().manual_seed(seed)) + 1
        assert torch.equal(module(x), lif(x))
        with torch.inference_mode():
            assert torch.equal(module(x), lif(x))


def test_state_in_a_buffer_follows_to_another_dtype():
    module = Stepwise(InBuffer()).double()
    x = torch.randn(T, B, N, dtype=torch.float64) + 1
    assert torch.equal(module(x), build(parse("lif"), T)(x))


SOURCE = """
import torch
from torch import nn

class Node(nn.Module):
    def __init__(self, tau=2.0):
        super().__init__()
        self.tau, self.v = tau, 0.0

    def forward(self, now):
        h = self.v + (now - self.v) / self.tau
        s = (h >= 1).to(h.dtype)
        self.v = h - s
        return s
"""


def test_a_file_with_one_class_names_it(tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE)
    ref = parse(f"{tmp_path}/mine.py@step(tau=2)")
    assert ref.text == f"{tmp_path}/mine.py:Node(tau=2)@step"
    assert parse(ref.text) == ref
    x = torch.randn(T, B, N) + 1
    assert torch.equal(build(ref, T)(x), build(parse("lif"), T)(x))


def test_a_file_with_several_classes_lists_them(tmp_path):
    more = "\nclass Other(Node):\n    pass\n\nclass _Hidden(Node):\n    pass\n\nclass Words:\n    pass\n"
    (tmp_path / "mine.py").write_text(SOURCE + more)
    with pytest.raises(PsubenchError, match=r"2 candidate classes: Node, Other; name one, for"):
        parse(f"{tmp_path}/mine.py")


@pytest.mark.parametrize(
    ("text", "said"), [("def f(): pass", "no subclass"), ("class (", "not valid Python")]
)
def test_a_file_without_a_neuron_says_so(tmp_path, text, said):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(PsubenchError, match=said):
        parse(f"{tmp_path}/mine.py")
