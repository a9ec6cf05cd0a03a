"""What each operation of torch counts for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from psubench.activity import fan_out
from psubench.activity.counts import LayerCounts
from psubench.activity.fan_out import Reach
from psubench.activity.ledger import Call, Ledger


def _product(ledger: Ledger, call: Call, a: Tensor, b: Tensor) -> LayerCounts | None:
    """A matrix product a @ b of [n, m, k] and [n, k, p]; the weight may be on either side."""
    one, other = ledger.weights.mark(a), ledger.weights.mark(b)
    if one is not None and other is not None and one.learned != other.learned:
        # A buffer beside a parameter is a state that the network keeps.
        one, other = (one, None) if one.learned else (None, other)
    if one is not None and other is not None:
        ledger.weights.follow("mm", [a, b], call.outputs())  # a weight made of weights
        return None
    if one is None and other is None:
        ledger.report(ledger.last, f"{call.name} of two activations")
        return None
    mark = one or other
    assert mark is not None
    if not mark.synapse:
        return None
    if a.layout is not torch.strided or b.layout is not torch.strided:
        ledger.report(mark.layer, call.name)
        return None
    # [k, p] weights of every product; [samples, n·k] inputs.
    weight, x = (a.mT, b.mT) if one is not None else (b, a)
    n, k, p = weight.shape
    inputs = x.transpose(0, 1).reshape(x.shape[1], n * k)
    if n == 1:
        inputs = x[0]
    present = ledger.nonzero(weight, lambda: fan_out.nonzero(weight, 2).flatten())
    layer = ledger.synapse(mark, inputs, Reach(p), present)
    layer.mac_textbook += n * x.shape[1] * k * p
    return layer


def _bias(ledger: Ledger, layer: LayerCounts | None, bias: Tensor, output: Tensor) -> None:
    """What a product adds to its result: a bias, or another activation."""
    if layer is None:
        return
    if ledger.weights.mark(bias) is None:
        layer.residual += output.numel()
    else:
        layer.bias += output.numel()


def _mm(ledger: Ledger, call: Call) -> None:
    a, b = call.args[:2]
    _product(ledger, call, _lifted(a), _lifted(b, vector_right=True))


def _lifted(tensor: Tensor, *, vector_right: bool = False) -> Tensor:
    """A matrix or vector as a batch of one matrix."""
    if tensor.layout is not torch.strided or tensor.dim() == 3:
        return tensor
    if tensor.dim() == 1:
        tensor = tensor[:, None] if vector_right else tensor[None]
    return tensor[None]


def _addmm(ledger: Ledger, call: Call) -> None:
    bias, a, b = call.args[:3]
    layer = _product(ledger, call, _lifted(a), _lifted(b, vector_right=True))
    _bias(ledger, layer, bias, call.output)


def _convolution(ledger: Ledger, call: Call) -> None:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.args[:9]
    mark = ledger.weights.mark(weight)
    if mark is None:
        ledger.report(ledger.last, f"{call.name} of two activations")
        return
    if not mark.synapse:
        return
    shapes = tuple(x.shape), tuple(weight.shape), tuple(call.output.shape)
    reach = fan_out.convolution(*shapes, stride, padding, dilation, transposed, groups)
    present = ledger.nonzero(weight, lambda: fan_out.nonzero_taps(weight, transposed, groups))
    layer = ledger.synapse(mark, x, reach, present)
    layer.mac_textbook += fan_out.textbook(*shapes, transposed)
    if bias is not None:
        layer.bias += call.output.numel()


def _add(ledger: Ledger, call: Call) -> None:
    a, b = call.args[:2]
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        ledger.weights.follow(call.name[6:], call.tensors(), call.outputs())
        return
    marks = ledger.weights.mark(a), ledger.weights.mark(b)
    if all(marks):
        ledger.weights.follow(call.name[6:], [a, b], call.outputs())
    elif marks[0] is None and marks[1] is None:
        if a.shape == b.shape:
            ledger.layer(ledger.last).residual += a.numel()
    else:
        mark = marks[0] or marks[1]
        assert mark is not None
        if mark.synapse and mark.learned:
            ledger.layer(mark.layer).bias += call.output.numel()


def _normalisation(ledger: Ledger, call: Call) -> None:
    ledger.layer(ledger.last).bn += call.args[0].numel()


def _pooling(ledger: Ledger, call: Call) -> None:
    """Every output reads its window; adaptive windows share the input among them."""
    x, output = call.args[0], call.outputs()[0]
    if "adaptive" in call.name:
        ledger.layer(ledger.last).pooling += x.numel()
        return
    dims = 3 if "3d" in call.name else 2
    window = call.args[1]
    size = math.prod(list(window) * (dims if len(window) == 1 else 1))
    ledger.layer(ledger.last).pooling += output.numel() * size
    padding = call.argument(3, "padding", [0])
    divisor = call.argument(6, "divisor_override")
    whole = not call.argument(4, "ceil_mode", False) and (
        call.argument(5, "count_include_pad", True) or not any(padding)
    )
    if "avg" in call.name and (divisor or whole):
        ledger.pooled(output, divisor or size)


def _padding(ledger: Ledger, call: Call) -> None:
    if ledger.weights.mark(call.args[0]) is not None:
        ledger.weights.follow("pad", [call.args[0]], call.outputs())
    elif call.argument(2, "value", 0) == 0:
        ledger.padded(call.output, list(call.args[1]))


def _mean(ledger: Ledger, call: Call) -> None:
    x = call.args[0]
    if ledger.weights.mark(x) is None:
        ledger.layer(ledger.last).pooling += x.numel()
    else:
        ledger.weights.follow("mean", [x], call.outputs())


_ATEN = torch.ops.aten
RULES: Mapping[Any, Callable[[Ledger, Call], None]] = MappingProxyType(
    {
        _ATEN.mm: _mm,
        _ATEN.bmm: _mm,
        _ATEN.mv: _mm,
        _ATEN.dot: _mm,
        _ATEN.addmm: _addmm,
        _ATEN.addmv: _addmm,
        _ATEN.baddbmm: _addmm,
        _ATEN.convolution: _convolution,
        _ATEN.add: _add,
        _ATEN.add_: _add,
        _ATEN.native_batch_norm: _normalisation,
        _ATEN._native_batch_norm_legit: _normalisation,
        _ATEN._native_batch_norm_legit_no_training: _normalisation,
        _ATEN.cudnn_batch_norm: _normalisation,
        _ATEN.miopen_batch_norm: _normalisation,
        _ATEN.native_layer_norm: _normalisation,
        _ATEN.native_group_norm: _normalisation,
        _ATEN.avg_pool2d: _pooling,
        _ATEN.avg_pool3d: _pooling,
        _ATEN.max_pool2d_with_indices: _pooling,
        _ATEN.max_pool3d_with_indices: _pooling,
        _ATEN.constant_pad_nd: _padding,
        _ATEN.mean: _mean,
        _ATEN._adaptive_avg_pool2d: _pooling,
        _ATEN._adaptive_avg_pool3d: _pooling,
    }
)
