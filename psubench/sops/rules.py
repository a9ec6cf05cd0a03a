"""The rules by which operations of torch are counted."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from psubench.sops import fan_out
from psubench.sops.calls import Call
from psubench.sops.fan_out import Reach
from psubench.sops.layer_counts import LayerCounts
from psubench.sops.ledger import Ledger
from psubench.sops.marks import Kind, Label, Mark

_STRANGE = "with a tensor that is neither parameter nor buffer"


def _left(tensor: Tensor) -> Tensor:
    """A matrix or a row as a batch of one matrix."""
    return tensor if tensor.dim() == 3 else tensor[None] if tensor.dim() == 2 else tensor[None, None]


def _right(tensor: Tensor) -> Tensor:
    """A matrix or a column as a batch of one matrix."""
    return tensor[None, :, None] if tensor.dim() == 1 else _left(tensor)


def _product(ledger: Ledger, call: Call, a: Tensor, b: Tensor) -> LayerCounts | None:
    """A product of batches of matrices [n, m, k] and [n, k, p]; the weight may be on either side.

    Returns:
        The layer for which it is counted; None for none.
    """
    one, other = ledger.weights.label(a), ledger.weights.label(b)
    mark, state, flipped = _sides(one, other)
    if mark is None:
        return _of_activations(ledger, call, a, b)
    if isinstance(state, Mark) and state.learned and not state.pending:
        _of_weights(ledger, call)
        return None
    if not mark.synapse:
        return None
    if not (_plain(a) and _plain(b)):
        ledger.report(mark.layer, call.name)
        return None
    ledger.cancel(mark.pending)
    x, weight = (b.mT, a.mT) if flipped else (a, b)
    before = state if isinstance(state, Mark) else None
    silent = state not in (Kind.ACTIVATION, None) and not bool(x.any())
    if silent or state in (Kind.ACTIVATION, None):
        ledger.counted(mark, before, compared=() if before else (x,))
        ledger.becomes = Kind.ACTIVATION  # a state that starts at 0 is not a weight
        return _count(ledger, mark, x, weight)
    # A constant or a buffer: a state, unless its result turns out to be used as a weight.
    ledger.counted(mark, before)
    kept = x.clone()  # which the forward pass may overwrite
    number = ledger.later(lambda: _count(ledger, mark, kept, weight), before.pending if before else ())
    roots = mark.roots | (before.roots if before else frozenset())
    ledger.becomes = replace(mark, roots=roots, pending=number)
    return ledger.layer(mark.layer)


def _of_weights(ledger: Ledger, call: Call) -> None:
    """A product of parameters: a weight, such as one of low rank, or a learned state's way through one."""
    made = ledger.weights.joined(call.tensors())
    if isinstance(made, Mark):
        ledger.becomes = replace(made, product=True)


def _sides(one: Label, other: Label) -> tuple[Mark | None, Label, bool]:
    """The weight of two operands, the other operand, and whether the weight is on the left."""
    if isinstance(one, Mark) and isinstance(other, Mark):
        # A buffer combined with a parameter is a state of the network; so is the source of a state.
        flipped = _sure(one) > _sure(other)
        return (one, other, True) if flipped else (other, one, False)
    if isinstance(one, Mark):
        return one, other, True
    return (other, one, False) if isinstance(other, Mark) else (None, one, False)


def _sure(mark: Mark) -> int:
    return mark.learned + (mark.learned and not mark.pending)


def _plain(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and tensor.is_floating_point()


def _of_activations(ledger: Ledger, call: Call, a: Tensor, b: Tensor) -> LayerCounts | None:
    labels = ledger.weights.label(a), ledger.weights.label(b)
    if None in labels:
        ledger.report(ledger.last, f"{call.name} {_STRANGE}")
    elif Kind.ACTIVATION in labels:
        if _plain(a) and _plain(b):
            ledger.counted(compared=(a, b))
            return ledger.product(a, b)
        ledger.report(ledger.last, f"{call.name} of two activations")
    return None


def _count(ledger: Ledger, mark: Mark, x: Tensor, weight: Tensor) -> LayerCounts:
    """Counts x [n, m, k] times weights [n, k, p]."""
    n, k, p = weight.shape

    def samples(values: Tensor) -> Tensor:  # [m, n·k]
        return values[0] if n == 1 else values.transpose(0, 1).reshape(x.shape[1], n * k)

    inside = ledger.elements.inside(x)
    present = ledger.nonzero(weight, lambda: fan_out.nonzero(weight, 2).flatten())
    layer = ledger.synapse(
        mark, samples(x), Reach(p), present,
        source=x, inside=None if inside is None else samples(inside),
    )  # fmt: skip
    layer.mac_textbook += n * x.shape[1] * k * p
    return layer


def _bias(ledger: Ledger, layer: LayerCounts | None, bias: Tensor, output: Tensor) -> None:
    """The addend of a product: a bias, or another activation."""
    if layer is None:
        return
    mark = ledger.weights.mark(bias)
    if mark is None or mark.pending:
        layer.residual += output.numel()
        ledger.counted(compared=() if mark else (bias,))
    else:
        layer.bias += output.numel()
        ledger.counted(mark)


def _mm(ledger: Ledger, call: Call) -> None:
    a, b = call.args[:2]
    if not (a.layout is b.layout is torch.strided):
        _sparse(ledger, call, a, b)
        return
    _product(ledger, call, _left(a), _right(b))


def _sparse(ledger: Ledger, call: Call, a: Tensor, b: Tensor) -> None:
    marks = ledger.weights.mark(a), ledger.weights.mark(b)
    if not all(marks):
        mark = marks[0] or marks[1]
        ledger.report(mark.layer if mark else ledger.last, call.name)


def _addmm(ledger: Ledger, call: Call) -> None:
    bias, a, b = call.args[:3]
    if not (a.layout is b.layout is torch.strided):
        _sparse(ledger, call, a, b)
        return
    layer = _product(ledger, call, _left(a), _right(b))
    _bias(ledger, layer, bias, call.output)


def _convolution(ledger: Ledger, call: Call) -> None:
    x, weight, bias, stride, padding, dilation, transposed, _, groups = call.args[:9]
    mark, state = ledger.weights.mark(weight), ledger.weights.label(x)
    if mark is None:
        known = ledger.weights.label(weight) is not None
        ledger.report(ledger.last, f"{call.name} {'of two activations' if known else _STRANGE}")
        return
    if isinstance(state, Mark) and state.learned and not state.pending:
        _of_weights(ledger, call)
        return
    if not mark.synapse:
        return
    if not (_plain(x) and _plain(weight)):
        ledger.report(mark.layer, call.name)
        return
    ledger.cancel(mark.pending)
    bias_mark = None if bias is None else ledger.weights.mark(bias)
    ledger.counted(mark, bias_mark, compared=() if isinstance(state, Mark) else (x,))
    shapes = tuple(x.shape), tuple(weight.shape), tuple(call.output.shape)
    reach = fan_out.convolution(*shapes, stride, padding, dilation, transposed, groups)
    present = ledger.nonzero(weight, lambda: fan_out.nonzero_taps(weight, transposed, groups))
    layer = ledger.synapse(mark, x, reach, present, source=x, inside=ledger.elements.inside(x))
    layer.mac_textbook += fan_out.textbook(*shapes, transposed)
    if bias is not None:
        layer.bias += call.output.numel()


def _add(ledger: Ledger, call: Call) -> None:
    a, b = call.args[:2]
    ledger.elements.follow(call)
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return
    labels = ledger.weights.label(a), ledger.weights.label(b)
    marks = [label for label in labels if isinstance(label, Mark) and not label.pending]
    if len(marks) == 2 or Kind.CONSTANT in labels:
        return
    if not marks:
        if a.shape == b.shape:
            ledger.layer(ledger.last).residual += a.numel()
    elif marks[0].product:
        ledger.report(marks[0].layer, f"{call.name} of an activation and a product of weights")
    elif marks[0].synapse and (marks[0].learned or marks[0].matrix):
        ledger.layer(marks[0].layer).bias += call.output.numel()
        given = tuple(t for t, label in zip((a, b), labels, strict=True) if not isinstance(label, Mark))
        ledger.counted(*marks, compared=given)


def _choice(ledger: Ledger, call: Call) -> None:
    """Weights that only select, such as the mask of an attention: nothing is computed from them."""
    ledger.elements.follow(call)
    found = [(tensor, ledger.weights.label(tensor)) for tensor in call.tensors()]
    marks = [(tensor, label) for tensor, label in found if isinstance(label, Mark) and label.matrix]
    if not any(label is Kind.ACTIVATION for _, label in found) or not marks:
        return
    for tensor, mark in marks:
        if tensor.is_floating_point() or tensor.is_complex():
            ledger.report(mark.layer, call.name)
            return
    ledger.counted(
        *(mark for _, mark in marks), compared=tuple(t for t, label in found if label is Kind.ACTIVATION)
    )


def _normalisation(ledger: Ledger, call: Call) -> None:
    ledger.elements.follow(call)
    x, *others = call.tensors()
    ledger.layer(ledger.last).bn += x.numel()
    ledger.counted(*(ledger.weights.mark(tensor) for tensor in others), compared=(x,))


def _pooling(ledger: Ledger, call: Call) -> None:
    """Every output reads its window; adaptive windows share the input among them."""
    x, output = call.args[0], call.outputs()[0]
    average = "avg" in call.name
    if "adaptive" in call.name:
        ledger.layer(ledger.last).pooling += x.numel()
        dims = 3 if "3d" in call.name else 2
        even = all(i % o == 0 for i, o in zip(x.shape[-dims:], output.shape[-dims:], strict=True))
        ledger.elements.pooled(x, output, x.numel() // max(1, output.numel()) if even else None, call.short)
        return
    dims = 3 if "3d" in call.name else 2
    window = call.args[1]
    size = math.prod(list(window) * (dims if len(window) == 1 else 1))
    ledger.layer(ledger.last).pooling += output.numel() * size
    if not average:
        ledger.elements.same(x, output)
        return
    divisor = call.argument(6, "divisor_override")
    whole = not call.argument(4, "ceil_mode", False) and (
        call.argument(5, "count_include_pad", True) or not any(call.argument(3, "padding", [0]))
    )
    ledger.elements.pooled(x, output, divisor or (size if whole else None), call.short)


def _mean(ledger: Ledger, call: Call) -> None:
    x = call.args[0]
    if ledger.weights.mark(x) is None:
        ledger.layer(ledger.last).pooling += x.numel()
        ledger.elements.pooled(x, call.output, x.numel() // max(1, call.output.numel()), call.short)


_ATEN = torch.ops.aten
_OPERATIONS: tuple[tuple[Callable[[Ledger, Call], None], str], ...] = (
    (_mm, "mm bmm mv dot"),
    (_addmm, "addmm addmv baddbmm"),
    (_convolution, "convolution"),
    (_add, "add add_ sub sub_"),
    (_choice, "where masked_fill masked_fill_ gather index_select index"),
    (_normalisation, "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training"),
    (_normalisation, "cudnn_batch_norm miopen_batch_norm native_layer_norm native_group_norm"),
    (_pooling, "avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d"),
    (_pooling, "max_pool2d_with_indices max_pool3d_with_indices"),
    (_mean, "mean"),
)
RULES: Mapping[Any, Callable[[Ledger, Call], None]] = MappingProxyType(
    {getattr(_ATEN, name): rule for rule, names in _OPERATIONS for name in names.split()}
)
