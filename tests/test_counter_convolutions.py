"""Fuzz: every geometry of a convolution against a loop over its synapses, and against FlopCounterMode."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.brute_force import DYADIC, of_convolution
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from psubench.sops.counter import Counter

COUNTS = ("sop_unit", "sop_graded", "sop_dense", "sop_eff_nzw", "sop_value", "mac_textbook")
KINDS = {
    (1, False): nn.Conv1d, (2, False): nn.Conv2d, (3, False): nn.Conv3d,
    (1, True): nn.ConvTranspose1d, (2, True): nn.ConvTranspose2d, (3, True): nn.ConvTranspose3d,
}  # fmt: skip


@st.composite
def convolutions(draw):
    """A convolution and the size of an input that it accepts."""
    dims = draw(st.integers(1, 3))
    transposed = draw(st.booleans())
    most = {1: 7, 2: 4, 3: 3}[dims]

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    groups = draw(st.integers(1, 2))
    kernel, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(min(p, r) for p, r in zip(each(0, 2), reach, strict=True))
    least = [max(1, r + 1 - 2 * p) for r, p in zip(reach, padding, strict=True)]
    space = tuple(draw(st.integers(low, max(low, most))) for low in least)
    channels = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    conv = KINDS[dims, transposed](
        *channels,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
    )
    return conv, (draw(st.integers(1, 2)), channels[0], *space)


def dyadic(shape, seed):
    draws = torch.randint(len(DYADIC), shape, generator=torch.Generator().manual_seed(seed))
    return torch.tensor(DYADIC)[draws]


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.integers(0, 2**16))
def test_any_geometry_agrees_with_a_loop_over_its_synapses(made, seed):
    conv, shape = made
    x = dyadic(shape, seed)
    with torch.no_grad():
        conv.weight.copy_(dyadic(conv.weight.shape, seed + 1))
        try:
            expected = of_convolution(x, conv)
        except RuntimeError:  # torch knows no output of this size
            return
        with FlopCounterMode(display=False) as flops:
            conv(x)
        with Counter(conv, {}, batch_dim=0) as counter:
            output = conv(x)
    (layer,) = counter.counts()
    assert {name: getattr(layer, name) for name in COUNTS} == expected
    assert layer.mac_textbook == flops.get_total_flops() // 2
    assert layer.bias == (output.numel() if conv.bias is not None else 0)
    assert layer.complete


@settings(max_examples=30, deadline=None)
@given(convolutions())
def test_all_ones_make_effective_equal_dense(made):
    conv, shape = made
    try:
        with torch.no_grad(), Counter(conv, {}, batch_dim=0) as counter:
            conv(torch.ones(shape))
    except RuntimeError:
        return
    (layer,) = counter.counts()
    assert layer.sop_unit == layer.sop_eff == layer.sop_dense == layer.sop_value
    assert layer.sop_graded == 0


def test_reflected_and_circular_padding_reach_through_the_copies():
    conv = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    with torch.no_grad(), Counter(conv, {}, batch_dim=0) as counter:
        conv(torch.tensor([[[1.0, 0.0, 0.0, 0.0]]]))
    (layer,) = counter.counts()
    assert layer.sop_eff == 3  # outputs 0, 1 and, through the copy behind the end, 3


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_a_padding_of_its_own_is_no_input():
    same, padded = nn.Conv1d(1, 2, 4, padding="same"), nn.Sequential(nn.ZeroPad1d((1, 2)), nn.Conv1d(1, 2, 4))
    for conv in (same, padded):
        with torch.no_grad(), Counter(conv, {}, batch_dim=0) as counter:
            conv(torch.ones(3, 1, 6))
        (layer,) = counter.counts()
        # Of 6 x 4 meetings, one is with the zero in front, 2 + 1 with those behind.
        assert layer.sop_eff == layer.sop_dense == 3 * 2 * (6 * 4 - 4)
        assert layer.mac_textbook == 3 * 2 * 6 * 4
