"""Neurons with separate parameters for every channel; the first input determines the number of channels.

The channel is the third dimension of the input, [T, B, C, *]: a neuron of a linear layer, a feature map of
a convolution. Input without one, [T, B], has one channel.
"""

from __future__ import annotations

import warnings
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.parameter import UninitializedParameter

from psubench.errors import NeuronError
from psubench.neurons.checks import check_shape


def channels(x: Tensor) -> int:
    """C of x [T, B, C, *]; 1 of x [T, B]."""
    return x.shape[2] if x.ndim > 2 else 1


def spread(values: Tensor, dims: int) -> Tensor:
    """Values [..., C] in a shape that broadcasts to a tensor with `dimensions` dimensions from C on."""
    return values.reshape(*values.shape, *[1] * (max(dims, 1) - 1))


class PerChannel(LazyModuleMixin, nn.Module):
    """A neuron whose parameters get their shapes at its first call, or from the weights that it loads.

    A neuron declares its parameters by `UninitializedParameter` and defines `draw`.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns that lazy modules may change
            super().__init__()

    def draw(self, count: int) -> None:
        """Gives every parameter its shape for `count` channels, and its initial values."""
        raise NotImplementedError

    def initialize_parameters(self, x: Tensor, *_: object) -> None:
        """Called by torch before the first call."""
        if not self.has_uninitialized_params():
            return
        check_shape(x)
        # A parameter first needed under inference_mode must serve training later.
        with torch.inference_mode(False), torch.no_grad():
            self.draw(channels(x))

    def check_channels(self, x: Tensor) -> None:
        """Raises NeuronError unless x [T, B, C, *] has as many channels as the parameters."""
        count = next(self.parameters()).shape[0]
        if channels(x) != count:
            raise NeuronError(
                f"input has {channels(x)} channels where the neuron was built for {count}",
                f"give {count} channels or build a new neuron",
            )


def unshaped() -> nn.Parameter:
    """A parameter that `draw` gives its shape."""
    return cast(nn.Parameter, UninitializedParameter())


def lazy_norm() -> nn.LazyBatchNorm1d:
    """A batch norm of as many channels as its first input has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.LazyBatchNorm1d()


def uniform(parameter: Tensor, count: int, low: float, high: float) -> None:
    """Shapes a parameter [count] and draws it uniformly."""
    _shape(parameter, (count,)).uniform_(low, high)


def filled(parameter: Tensor, values: Tensor) -> None:
    """Shapes a parameter as the values and copies them."""
    _shape(parameter, tuple(values.shape)).copy_(values)


def _shape(parameter: Tensor, shape: tuple[int, ...]) -> Tensor:
    assert isinstance(parameter, UninitializedParameter)
    parameter.materialize(shape)
    return parameter.data
