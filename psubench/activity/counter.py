"""Counts what a module computes, from the operations that torch dispatches: nothing is assumed of layers.

Whatever calls a product with a weight is a synapse: a layer, a functional call, einsum, a recurrent cell.
Operations that torch defines by others are taken apart, so that they are seen in inference mode too. Hooks
only tell where neurons begin and end, and what they gave. An operation that meets a weight of two or more
dimensions and has no rule is reported, so that nothing is counted as 0 because it was not understood.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.hooks import RemovableHandle

from psubench.activity.counts import LayerCounts
from psubench.activity.ledger import Call, Ledger
from psubench.activity.rules import RULES
from psubench.activity.weights import Weights
from psubench.errors import PsubenchError

_ATTENTION = "aten::_scaled_dot_product"


class Counter:
    """Counts the forward passes of a module while it is entered: `with Counter(net, neurons) as counter`.

    Backward passes, and operations outside of the module, are not counted. Counts of several forward
    passes add up. Gradients, results and dtypes stay as they are without it.

    Args:
        module: takes x [T, B, *] with `batch_dim` 1, [B, *] with 0.
        spiking: its neuron layers by name; what they compute inside is not counted, see
            `psubench.neurons.operations`.
        recurrent: names of parameters, or of modules that own them, that carry a layer's output back into
            it; those that torch's recurrent layers call weight_hh are known.
        fold: whether the divisor of an average pooling counts as part of the weights behind it, so that
            their inputs are sums of spikes; else the averages are graded inputs.
        counting: whether the neurons give counts, of which a count of c stands for c spikes.
        batch_dim: dimension of x that holds the samples.
    """

    def __init__(
        self,
        module: nn.Module,
        spiking: Mapping[str, nn.Module],
        *,
        recurrent: Collection[str] = (),
        fold: bool = False,
        counting: bool = False,
        batch_dim: int = 1,
    ) -> None:
        known = dict(module.named_modules()) | dict(module.named_parameters())
        for name in (*spiking, *recurrent):
            if name not in known:
                raise PsubenchError(f'the network has no part "{name}"', "name it as named_modules() does")
        self._module, self._spiking, self._batch_dim = module, dict(spiking), batch_dim
        self._ledger = Ledger(Weights(module, spiking, recurrent), fold, counting)
        self._inside = False
        self._depth = 0
        self._leading: tuple[int, ...] = ()
        self._mode = _Watch(self)
        self._hooks: list[RemovableHandle] = []

    def __enter__(self) -> Counter:
        root, neurons = self._module, self._spiking
        add = self._hooks.append
        # Removed at the end; the module's own hooks stay as they are.
        add(root.register_forward_pre_hook(self._begin, with_kwargs=True, prepend=True))
        for name, neuron in neurons.items():
            add(neuron.register_forward_pre_hook(self._enter_neuron))
            add(neuron.register_forward_hook(partial(self._leave_neuron, name), always_call=True))
        add(root.register_forward_hook(self._end, always_call=True))
        self._mode.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        self._mode.__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def counts(self) -> list[LayerCounts]:
        """Counts of every layer that was reached, in the order in which they were first reached."""
        return [replace(layer) for layer in self._ledger.layers.values()]

    def _begin(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        x = next((v for v in (*args, *kwargs.values()) if isinstance(v, Tensor)), None)
        if x is None or x.dim() <= self._batch_dim:
            raise PsubenchError(
                f"the network was called without a tensor of more than {self._batch_dim} dimensions",
                "samples are counted along its batch dimension: call it with [T, B, *]",
            )
        self._inside, self._depth = True, 0
        self._leading = tuple(x.shape[: self._batch_dim + 1])
        self._ledger.begin(x.shape[self._batch_dim])

    def _end(self, *_: Any) -> None:
        self._inside = False
        self._ledger.end()

    def _enter_neuron(self, *_: Any) -> None:
        self._depth += 1

    def _leave_neuron(self, name: str, _module: nn.Module, _args: Any, output: Any) -> None:
        self._depth -= 1
        spikes = output[0] if isinstance(output, tuple) else output
        if not isinstance(spikes, Tensor) or self._depth:
            return
        inside, self._inside = self._inside, False  # what follows is the counter's own work
        with torch.no_grad():
            self._ledger.fired(name, spikes, self._leading)
        self._inside = inside

    def saw(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], again: Callable[[], Any]) -> Any:
        """Runs one operation and counts it; `again` lets the operations be seen that it is made of."""
        if not self._inside or self._depth:
            return func(*args, **kwargs)
        rule = RULES.get(func._overloadpacket)
        if rule is None and (parts := again()) is not NotImplemented:
            return parts
        output = func(*args, **kwargs)
        call = Call(func.name().partition(".")[0], args, kwargs, output)
        with torch.no_grad():
            if rule is None:
                self._without_rule(call)
            else:
                rule(self._ledger, call)
        return output

    def _without_rule(self, call: Call) -> None:
        weights, ledger = self._ledger.weights, self._ledger
        given, made = call.tensors(), call.outputs()
        marks = [weights.mark(tensor) for tensor in given]
        activations = [mark is None for mark in marks]
        if any(activations):
            for tensor, mark in zip(given, marks, strict=True):
                if mark is not None and mark.synapse and tensor.dim() >= 2:
                    ledger.report(mark.layer, call.name)
        if call.name.startswith(_ATTENTION):
            ledger.report(ledger.last, f"{call.name} of two activations")
        weights.follow(call.name.rpartition(":")[2], given, made)


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, counter: Counter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counter = counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}

        def again() -> Any:
            with self:
                return cast(Any, func).decompose(*args, **kwargs)

        return self._counter.saw(func, args, kwargs, again)
