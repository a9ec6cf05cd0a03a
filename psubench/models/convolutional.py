"""Networks of convolutions: VGGSNN of the PSU paper, the CIFAR networks of the PSN paper."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from psubench.models.layers import Layers, Neuron


def vggsnn(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """conv3x3 64-128-P-256-256-P-512-512-P-512-512-P-FC; 9,268,746 parameters without the neurons'."""
    stages = [[64, 128], [256, 256], [512, 512], [512, 512]]
    # A stage of another depth repeats its last layer, or leaves layers out from its end.
    resized = [(stage + stage[-1:] * depth)[:depth] for stage in stages]
    layers = Layers(neuron)
    features = _stages(layers, input_shape, resized, width, nn.Conv2d)
    layers.add("flatten", nn.Flatten())
    layers.add("fc", nn.Linear(features, classes))
    return layers


def seqcifar(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """Twice {Conv1d k3 128-BN-neuron}x3-P, FC 1024-256-neuron-FC; 513,418 parameters without the neurons'."""
    return _cifar(neuron, input_shape, classes, width, [[128] * depth] * 2, 256, nn.Conv1d)


def cifarnet(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """Twice {conv3x3 256-BN-neuron}x3-P, then FC 16384-4096-neuron-FC."""
    return _cifar(neuron, input_shape, classes, width, [[256] * depth] * 2, 4096, nn.Conv2d)


def _cifar(
    neuron: Neuron,
    input_shape: tuple[int, ...],
    classes: int,
    width: float,
    stages: Sequence[Sequence[int]],
    hidden: int,
    convolution: type[nn.Conv1d] | type[nn.Conv2d],
) -> Layers:
    layers = Layers(neuron)
    features = _stages(layers, input_shape, stages, width, convolution)
    hidden = max(1, round(hidden * width))
    layers.add("flatten", nn.Flatten())
    layers.add("fc", nn.Linear(features, hidden))
    layers.fire()
    layers.add("fc", nn.Linear(hidden, classes))
    return layers


def _stages(
    layers: Layers,
    input_shape: tuple[int, ...],
    stages: Sequence[Sequence[int]],
    width: float,
    convolution: type[nn.Conv1d] | type[nn.Conv2d],
) -> int:
    """Adds stages of convolution, BN and neuron, each ended by a pooling; returns the number of features."""
    two = convolution is nn.Conv2d
    before, *space = input_shape
    for stage in stages:
        for channels in stage:
            after = max(1, round(channels * width))
            layers.add("conv", convolution(before, after, kernel_size=3, padding=1, bias=False))
            layers.add("bn", nn.BatchNorm2d(after) if two else nn.BatchNorm1d(after))
            layers.fire()
            before = after
        layers.add("pool", nn.AvgPool2d(2) if two else nn.AvgPool1d(2))
        space = [length // 2 for length in space]
    return before * math.prod(space)
