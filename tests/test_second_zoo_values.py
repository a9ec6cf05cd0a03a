"""The neurons that the field compares with: what they refuse, and what they give."""

import pytest
import torch

from psubench.errors import NeuronError
from psubench.neurons import TABLE, build, build_reference, parse


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ilif(D=0)", "D = 0; D is the largest count: give an integer of at least 1"),
        ("fpt(K=-1)", "K = -1"),
        ("mulfree-psn(dilation=0.5)", "dilation = 0.5"),
        ("cuba-lif(c=1.5)", "c = 1.5; c is the share of the current"),
        ("tc-lif(gamma=-1)", "gamma = -1"),
        ("glif(decay=1)", "decay = 1; give a number between 0 and 1"),
        ("fpt(hard=1)", "hard = 1; write hard=true"),
        ("prf(scale=0)", "scale = 0"),
    ],
)
def test_values_out_of_range_are_refused(text, message):
    with pytest.raises(NeuronError, match=message):
        parse(text)


def test_a_threshold_that_no_logistic_function_gives_is_refused():
    with pytest.raises(NeuronError, match=r"threshold = 1; .* threshold < 1"):
        build(parse("glif(threshold=1)"), 4)


def test_what_each_gives_is_in_the_table():
    outputs = {spec.name: spec.output for spec in TABLE.values() if spec.output != "spikes"}
    assert outputs == {
        "ilif": "counts", "ternary-lif": "ternary", "relu": "analog", "quant-relu": "levels",
    }  # fmt: skip
    x = 3 * torch.randn(20, 400)
    assert set(build(parse("ilif"), 20)(x).unique().tolist()) == {0, 1, 2, 3, 4}
    assert set(build(parse("ternary-lif"), 20)(x).unique().tolist()) == {-1, 0, 1}


def test_counts_round_halves_to_the_even_number():
    x = torch.tensor([[0.5, 1.5, 2.5, 3.5, -1.0, 9.0]], dtype=torch.float64)
    assert build(parse("ilif"), 1)(x).tolist() == [[0, 2, 2, 4, 0, 4]]
    assert build_reference(parse("ilif"), 1)(x).tolist() == [[0, 2, 2, 4, 0, 4]]


def test_weights_of_a_multiplication_free_neuron_are_powers_of_two():
    module = build(parse("mulfree-psn(k=3)"), 4).double().eval()
    module(torch.zeros(4, 1, 1, dtype=torch.float64))
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.0, -0.7, 3.0]]))  # 0, -2^-1 (log2 0.7 = -0.51), 2^2
        module.norm.bias.fill_(0)
    h = torch.tensor([1.0, 0.0, 0.0, 0.0], dtype=torch.float64)
    assert module(h.view(4, 1, 1)).flatten().tolist() == [1, 0, 1, 1]  # 4, -1/2, 0 (a tie fires), 0


@pytest.mark.parametrize("text", ["prf", "pmsn", "lif@decoupled"])
def test_no_neurons_give_no_spikes(text):
    assert build(parse(text), 300, (5,))(torch.zeros(300, 0, 5)).shape == (300, 0, 5)
