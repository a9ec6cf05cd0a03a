"""The fused neurons of the second zoo: float32, odd sizes, channels, layouts, threads, chunks of steps."""

import pytest
import torch
from support.second_zoo import FUSED, SERIAL, agree, gradients, noise, pair

from psubench.neurons import build, cpp_build, parse


@pytest.mark.parametrize("T", [1, 15, 16, 17, 33, 50])
@pytest.mark.parametrize("text", FUSED)
def test_lengths_around_a_chunk_and_more_neurons_than_a_block(text, T):
    agree(text, noise(T, 1, 3), noise(T, 1, 3))
    if T == 33:
        agree(text, noise(T, 2, 515), noise(T, 2, 515))


@pytest.mark.parametrize(("loop", "text"), list(zip(SERIAL, FUSED, strict=True)))
def test_float32_equals_the_loop(loop, text):
    x, cotangent = noise(20, 3, 7, 31, dtype=torch.float32), noise(20, 3, 7, 31, dtype=torch.float32)
    torch.manual_seed(1)
    twin = build(parse(loop), 20)
    twin(x)
    module = build(parse(text), 20)
    module(x)
    module.load_state_dict(twin.state_dict())
    equal = (module(x) == twin(x)).all(0)  # a tie that fell otherwise changes what follows in its trace
    assert equal.double().mean() > 0.98
    got, due = (gradients(one, x, cotangent * equal)[1] for one in (module, twin))
    for name, gradient in due.items():
        # A potential within rounding of the edge of a box has another slope.
        near = torch.isclose(got[name], gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max()))
        assert near.double().mean() > (0.98 if name == "x" else 0.5), name


@pytest.mark.parametrize("text", ["adlif@fused", "glif@fused", "clif@fused"])
def test_layouts_and_no_neurons(text):
    x, cotangent = noise(9, 3, 4, 5), noise(9, 3, 4, 5)
    module, _ = pair(text, x)
    spikes, due = gradients(module, x, cotangent)
    turned = x.transpose(1, 3).contiguous().transpose(1, 3)
    again, got = gradients(module, turned, cotangent)
    assert torch.equal(spikes, again)
    assert all(torch.equal(got[name], gradient) for name, gradient in due.items())
    empty = gradients(module, x[:, :0], cotangent[:, :0])[1]
    assert not any(gradient.any() for gradient in empty.values())


def test_bfloat16_holds_the_outputs_exactly():
    x = noise(12, 4, 300, dtype=torch.bfloat16)
    for text, values in (
        ("ilif@fused", {0, 1, 2, 3, 4}),
        ("ternary-lif@fused", {-1, 0, 1}),
        ("clif@fused", {0, 1}),
    ):
        spikes = pair(text, x)[0](x)
        assert spikes.dtype == torch.bfloat16
        assert set(spikes.unique().tolist()) == values


@pytest.mark.parametrize(
    ("neuron", "values", "numbers"), [("tc-lif", 2, (1.0, 1.0, 0.5)), ("adlif", 35, (1.0, 1.0))]
)
def test_operators_are_what_torch_expects(neuron, values, numbers):
    x, learned = torch.randn(20, 3, 7, requires_grad=True), torch.rand(values, requires_grad=True)
    torch.library.opcheck(cpp_build.ops().serial.default, (x, None, learned, neuron, numbers))


def test_wrong_arguments_are_refused():
    serial, x = cpp_build.ops().serial.default, torch.randn(20, 3, 7)
    for neuron, learned, numbers, complaint in (
        ("no-lif", None, (1.0,), 'no neuron "no-lif" without learned values'),
        ("clif", None, (1.0,), "clif takes 3 numbers"),
        ("adlif", torch.rand(5 * 8), (1.0, 1.0), "5 per channel: 35 learned values, not 40"),
    ):
        with pytest.raises(RuntimeError, match=complaint):
            serial(x, None, learned, neuron, numbers)


def test_numbers_below_the_smallest_normal_one_are_zero_inside_and_not_outside():
    x = torch.full((3, 4), 2e-38)
    module = build(parse("lif@fused(threshold=1.2e-38)"), 3)  # h[1] would be 1.5e-38
    assert not module(x).any()
    assert (x * 0.5 > 0).all()
