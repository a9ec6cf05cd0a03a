"""Counts the operations of a module, as torch dispatches them, without assumptions about its layers.

Every product with a weight is a synapse: a layer, a functional call, einsum, a recurrent cell.
Operations that torch composes of others are decomposed, so that they are also seen in inference mode. Hooks
only report where neurons begin and end, and their outputs. An operation on a weight of two or more
dimensions that has no rule is reported, so that nothing unknown is counted as 0; so is a weight that no
counted operation has used. `psubench.sops.last_check` verifies this independently.
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

from psubench.errors import PsubenchError
from psubench.neurons import OUTSIDE
from psubench.neurons.outputs import spikes_of
from psubench.sops.calls import Call, tensors
from psubench.sops.departures import Departures
from psubench.sops.foreign_layers import foreign_layers
from psubench.sops.layer_counts import LayerCounts
from psubench.sops.ledger import INPUT, SYNAPSES, Ledger
from psubench.sops.marks import Kind, Label, Mark
from psubench.sops.rules import RULES
from psubench.sops.trail import Trail
from psubench.sops.verdict import ASSUMED, Verdict
from psubench.sops.weight_tracking import Weights

_ATTENTION = "aten::_scaled_dot_product"
_KNOWN_SPACES = ("aten", "prims", "prim", "profiler")
UNMET = "no counted operation uses it"
_MULTIPLYING = ("mul", "div", "addcmul", "addcdiv", "lerp", "cdist", "_trilinear", "embedding", "_int_mm")


class Counter:
    """Counts the forward passes of a module while it is entered: `with Counter(net, neurons) as counter`.

    Backward passes, and operations outside of the module, are not counted. Counts of several forward
    passes add up. Gradients, results and dtypes stay as they are without it.

    Args:
        module: takes x [T, B, *] with `batch_dim` 1, [B, *] with 0.
        spiking: its neuron layers by name, or by one that begins with `OUTSIDE` if the module does not
            contain them; the operations inside are not counted, see
            `psubench.neurons.operations`.
        recurrent: names of parameters, or of modules that own them, that carry a layer's output back into
            it; weight_hh of torch's recurrent layers is known.
        fold: whether the divisor of an average pooling counts as part of the weights that follow, so that
            their inputs are sums of spikes; else the averages are graded inputs.
        counting: whether the neurons output counts, where a count of c stands for c spikes.
        batch_dim: dimension of x for the samples.
        trail: keeps the inputs of counted operations and replaces their results: see `last_check`.
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
        trail: Trail | None = None,
    ) -> None:
        known = dict(module.named_modules()) | dict(module.named_parameters())
        for name in (*spiking, *recurrent):
            if name in known or name.startswith(OUTSIDE):
                continue
            raise PsubenchError(f'the network has no part "{name}"', "name it as named_modules() does")
        self._module, self._spiking, self._batch_dim = module, dict(spiking), batch_dim
        self._ledger = Ledger(Weights(module, spiking, recurrent), fold, counting)
        self._trail = trail
        self._inside = False
        self._depth = 0
        self._leading: tuple[int, ...] = ()
        self._modes = (Departures(self._leaves), _Watch(self))
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
        for mode in self._modes:
            mode.__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()

    def counts(self, verdict: Verdict = ASSUMED) -> list[LayerCounts]:
        """Counts of every layer that was reached, in the order in which they were first reached.

        Args:
            verdict: of the last check, if it was run.
        """
        ledger = self._ledger
        found = {key: replace(layer) for key, layer in ledger.layers.items()}
        samples = max((layer.n_samples for layer in found.values()), default=0)
        for name, why in (*self._unaccounted(verdict), *verdict.hidden.items()):
            layer = found.setdefault((name, "synapse"), LayerCounts(name, "synapse", n_samples=samples))
            if why != UNMET or not layer.uncounted:
                layer.uncounted = tuple(dict.fromkeys((*layer.uncounted, why)))
        return list(found.values())

    def _unaccounted(self, verdict: Verdict) -> list[tuple[str, str]]:
        """Layers in which something is missing, and what; independent of what the rules have reported."""
        ledger, weights = self._ledger, self._ledger.weights.synapses()
        counted = [layer for layer in ledger.layers.values() if layer.kind in {*SYNAPSES, "product"}]
        open_ = [mark for _, mark in weights if not mark.roots <= (ledger.met | verdict.without_effect)]
        wrong = [(mark.layer, UNMET) for mark in open_ if mark.matrix]
        if not counted:  # the only synapses may be vectors
            wrong += [(mark.layer, UNMET) for mark in open_ if mark.learned]
        wrong += [(name, why) for name, why in foreign_layers(self._module, self._spiking)]
        for layer in counted:
            if layer.sop_eff > layer.sop_dense or layer.sop_eff_nzw > layer.sop_eff:
                wrong.append((layer.layer, "its counts contradict each other"))
        return wrong

    def _begin(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = list(tensors((*args, *kwargs.values())))
        x = next(iter(given), None)
        if x is None or x.dim() <= self._batch_dim:
            raise PsubenchError(
                f"the network was called without a tensor of more than {self._batch_dim} dimensions",
                "samples are counted along its batch dimension: call it with [T, B, *]",
            )
        self._depth = 0
        self._leading = tuple(x.shape[: self._batch_dim + 1])
        self._ledger.begin(x.shape[self._batch_dim])
        self._ledger.weights.register()
        for tensor in given:
            self._ledger.weights.activation(tensor)
        self._inside = True

    def _end(self, _module: nn.Module, _args: Any, output: Any) -> None:
        self._inside = False
        if self._trail is not None:
            self._trail.met("output", list(tensors((output,))))
        with torch.no_grad():
            self._ledger.end()
            self._ledger.weights.register()

    def _enter_neuron(self, _module: nn.Module, args: Any) -> None:
        if self._trail is not None and self._inside and not self._depth:
            self._inside = False
            self._trail.met("neuron", list(tensors((args,))))
            self._inside = True
        self._depth += 1

    def _leave_neuron(self, name: str, _module: nn.Module, _args: Any, output: Any) -> None:
        self._depth -= 1
        spikes = spikes_of(output)
        if not isinstance(spikes, Tensor) or self._depth:
            return
        inside, self._inside = self._inside, False  # from here on, the counter's own operations
        with torch.no_grad():
            for tensor in tensors((output,)):
                self._ledger.weights.give(tensor, Kind.ACTIVATION)
            self._ledger.fired(name, spikes, self._leading)
        self._inside = inside

    def _leaves(self, how: str, tensor: Tensor) -> None:
        """A value of a tensor leaves torch: what is computed from it cannot be seen."""
        if not self._inside or self._depth:
            return
        label = self._ledger.weights.label(tensor)
        if label is Kind.ACTIVATION:
            self._ledger.report(self._ledger.last, f"{how}, where values leave torch")
        elif isinstance(label, Mark) and label.synapse:
            self._ledger.report(label.layer, f"{how}, where values leave torch")

    def on_dispatch(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], decompose: Callable[[], Any]
    ) -> Any:
        """Runs and counts one operation; `decompose` dispatches the operations that it is composed of."""
        if not self._inside or self._depth:
            return func(*args, **kwargs)
        for tensor in tensors(args):
            if isinstance(tensor, nn.Parameter):
                self._ledger.weights.adopt(tensor)
        rule = RULES.get(func._overloadpacket)
        if rule is None and (parts := decompose()) is not NotImplemented:
            return parts
        before = None if self._trail is None else self._trail.before(func, (*args, *kwargs.values()))
        output = func(*args, **kwargs)
        self._inside = False  # from here on, the counter's own operations
        try:
            with torch.no_grad():
                self._count(Call(func, args, kwargs, output), rule, before)
        finally:
            self._inside = True
        return output

    def _count(self, call: Call, rule: Callable[[Ledger, Call], None] | None, before: Any) -> None:
        ledger = self._ledger
        ledger.compared = ledger.becomes = None
        if rule is None:
            self._without_rule(call)
        else:
            rule(ledger, call)
        made = call.outputs()
        ledger.weights.follow(call.short, call.tensors(), made, call.func)
        if ledger.becomes is not None:
            for tensor in made:
                ledger.weights.give(tensor, ledger.becomes)
        if self._trail is not None and ledger.compared is not None:
            self._trail.cut(call, ledger.compared, before)

    def _without_rule(self, call: Call) -> None:
        ledger = self._ledger
        given = call.tensors()
        labels = [ledger.weights.label(tensor) for tensor in given]
        marks = [label for label in labels if isinstance(label, Mark) and label.matrix]
        if call.func.namespace not in _KNOWN_SPACES:
            for layer in {mark.layer for mark in marks} or {ledger.last}:
                ledger.report(layer, call.name)
        elif any(not isinstance(label, Mark) for label in labels):
            beside_nothing = not any(label in (Kind.ACTIVATION, None) for label in labels)
            for mark in () if beside_nothing else marks:
                ledger.report(mark.layer, call.name)
            if self._strange(call, given, labels):
                ledger.report(ledger.last, f"{call.name} with a tensor that is neither parameter nor buffer")
        if call.name.startswith(_ATTENTION):
            ledger.report(f"{ledger.last} (attention)" if ledger.last != INPUT else "attention", call.name)
        ledger.elements.follow(call)

    @staticmethod
    def _strange(call: Call, given: list[Tensor], labels: list[Label]) -> bool:
        """Whether an activation is combined with a tensor from elsewhere that may contain weights."""
        if Kind.ACTIVATION not in labels or not call.short.startswith(_MULTIPLYING):
            return False
        return any(
            label is None
            and (
                tensor.dim() >= 2
                or tensor.numel() < tensor.untyped_storage().nbytes() // max(1, tensor.element_size())
            )
            for tensor, label in zip(given, labels, strict=True)
        )


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, counter: Counter) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counter = counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}

        def decompose() -> Any:
            with self:
                return cast(Any, func).decompose(*args, **kwargs)

        return self._counter.on_dispatch(func, args, kwargs, decompose)
