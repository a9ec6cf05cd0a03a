"""Networks of linear layers: SHD's of the paper, and a small one for data with flat features."""

from __future__ import annotations

import math

from torch import nn

from psubench.models.layers import Layers, Neuron


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))


def shd(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """FC 700-128-128-128-20 with a spiking layer after each but the last; 125,332 parameters."""
    return _dense(neuron, input_shape, classes, [_scaled(128, width)] * depth, normalise=False, dropout=0.0)


def shd_wide(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """Twice FC 1024-dropout 0.4-BN-neuron, then FC; 1,792,020 parameters."""
    return _dense(neuron, input_shape, classes, [_scaled(1024, width)] * depth, normalise=True, dropout=0.4)


def mlp(neuron: Neuron, input_shape: tuple[int, ...], classes: int, width: float, depth: int) -> Layers:
    """Twice FC 128-BN-neuron, then FC, on the flattened features of a step."""
    return _dense(neuron, input_shape, classes, [_scaled(128, width)] * depth, normalise=True, dropout=0.0)


def _dense(
    neuron: Neuron,
    input_shape: tuple[int, ...],
    classes: int,
    hidden: list[int],
    *,
    normalise: bool,
    dropout: float,
) -> Layers:
    layers = Layers(neuron)
    if len(input_shape) != 1:
        layers.add("flatten", nn.Flatten())
    before = math.prod(input_shape)
    for features in hidden:
        layers.add("fc", nn.Linear(before, features))
        if dropout:
            layers.add("dropout", nn.Dropout(dropout))
        if normalise:
            layers.add("bn", nn.BatchNorm1d(features))
        layers.fire()
        before = features
    layers.add("fc", nn.Linear(before, classes))
    return layers
