"""Layers whose weights are not parameters: quantised ones, and those frozen into a script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch import nn
from torch.jit import ScriptModule

_PACKED = ("_packed_params", "_all_weight_values", "_weight_bias")


def foreign_layers(module: nn.Module, neurons: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Names of such layers outside of neurons, and their kinds."""
    inside = tuple(f"{name}." for name in neurons)
    scripted: list[str] = []
    for name, layer in module.named_modules():
        if f"{name}.".startswith((*inside, *scripted)):
            continue
        if _quantised(layer) and not name.endswith("_packed_params"):
            yield name, f"a quantised layer, {type(layer).__name__}"
        elif isinstance(layer, ScriptModule):
            scripted.append(f"{name}.")
            if _frozen(layer):
                yield name, "weights that are constants of a script"


def _quantised(layer: nn.Module) -> bool:
    return "quantized" in type(layer).__module__ and any(hasattr(layer, name) for name in _PACKED)


def _frozen(layer: ScriptModule) -> bool:
    graph: Any = getattr(layer, "inlined_graph", None)
    constants = [] if graph is None else graph.findAllNodes("prim::Constant")
    tensors = (node for node in constants if node.hasAttribute("value") and node.kindOf("value") == "t")
    return any(node.t("value").dim() >= 2 for node in tensors)
