"""From the text of the command line to a neuron: names, parameters, implementations, plug-ins."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from psubench import plugins
from psubench.errors import NeuronError, PsubenchError, nearest
from psubench.neurons.checks import check_parameters
from psubench.neurons.spec import Default, NeuronSpec
from psubench.neurons.table import TABLE
from psubench.plugins import Value

if TYPE_CHECKING:
    from torch import nn

PLUGIN = "plugin"
_AT = re.compile(r"(?P<kind>[^@()]*)(?P<at>@[^@()]*)?(?P<call>\(.*\))?(?P<late>@[^@()]*)?", re.DOTALL)


@dataclass(frozen=True)
class NeuronRef:
    """A neuron as it was asked for.

    Attributes:
        name: canonical text without the implementation: "lif(reset=hard,tau=4)"; defaults are left out.
        kind: name in `TABLE`, or "module:attribute" of a plug-in.
        implementation: name of one of its implementations; "plugin" for a plug-in.
        parameters: pairs of name and value that differ from the defaults, sorted.
    """

    name: str
    kind: str
    implementation: str
    parameters: tuple[tuple[str, Value], ...]

    @property
    def is_plugin(self) -> bool:
        """Whether its code comes from outside psubench."""
        return self.implementation == PLUGIN

    @property
    def text(self) -> str:
        """What `parse` reads back into an equal ref."""
        at_default = self.is_plugin or self.implementation == TABLE[self.kind].default
        return self.name if at_default else f"{self.name}@{self.implementation}"

    @property
    def label(self) -> str:
        """Short name for tables and figures: a plug-in without its path; what is no spike is named."""
        if self.is_plugin:
            return self.text.rpartition(":")[2]
        kind = TABLE[self.kind].output
        return self.text if kind == "spikes" else f"{self.text} [{kind}]"


def parse(text: str) -> NeuronRef:
    """The neuron that `name[@implementation][(key=value,...)]` names; imports nothing.

    A plug-in is `package.module:attribute[(...)]` or `path/file.py:attribute[(...)]`.
    Errors: PsubenchError with the nearest known name; NeuronError for a value out of range.
    """
    if ":" in text.partition("(")[0]:
        return _parse_plugin(text.strip())
    match = _AT.fullmatch(text.strip())
    if match is None or (match["at"] and match["late"]):
        raise PsubenchError(f'"{text}" is no neuron', "write name, name@implementation or name(key=value)")
    kind = match["kind"].strip()
    if kind not in TABLE:
        what = f'unknown neuron "{kind}"' if kind else f'"{text}" names no neuron'
        raise PsubenchError(what, nearest(kind, TABLE))
    spec = TABLE[kind]
    implementation = ((match["at"] or match["late"] or "").removeprefix("@").strip()) or spec.default
    if implementation not in spec.implementations:
        raise PsubenchError(
            f'neuron "{kind}" has no implementation "{implementation}"',
            nearest(implementation, spec.implementations),
        )
    given = plugins.parse_call(kind + (match["call"] or ""))[1]
    parameters = tuple(sorted(_checked(spec, given).items()))
    shown = tuple((key, _shortest(value)) for key, value in parameters)
    return NeuronRef(plugins.show_call(kind, shown), kind, implementation, parameters)


def _parse_plugin(text: str) -> NeuronRef:
    kind, given = plugins.parse_call(text)
    if "@" in kind.rpartition(":")[2]:
        raise PsubenchError(f'"{text}": a plug-in has one implementation', 'leave out the part from "@" on')
    plugins.check_exists(kind)
    parameters = tuple(sorted(given.items()))
    return NeuronRef(plugins.show_call(kind, parameters), kind, PLUGIN, parameters)


def _checked(spec: NeuronSpec, given: dict[str, Value]) -> dict[str, Value]:
    """The given parameters in the types of the defaults, without those that equal them."""
    differ: dict[str, Value] = {}
    for key, value in given.items():
        if key not in spec.parameters:
            raise PsubenchError(
                f'neuron "{spec.name}" has no parameter "{key}"', nearest(key, spec.parameters)
            )
        default = spec.parameters[key]
        if isinstance(default, float) and type(value) is int:
            value = float(value)  # noqa: PLW2901
        try:
            check_parameters(**{key: value})
        except NeuronError as error:
            raise NeuronError(f'neuron "{spec.name}": {error.what}', error.remedy) from None
        if value != default:
            differ[key] = value
    return differ


def _shortest(value: Value) -> Value:
    """4.0 as 4: the types of a built-in neuron's parameters are known without the point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_list(text: str) -> list[NeuronRef]:
    """The neurons of a comma-separated list, without repetitions; `all` is every built-in neuron."""
    refs: dict[NeuronRef, None] = {}
    for piece in plugins.split_list(text):
        if not piece:
            raise PsubenchError(f'"{text}" names no neuron between two commas', nearest("", ["all", *TABLE]))
        for name in TABLE if piece == "all" else [piece]:
            refs[parse(name)] = None
    return list(refs)


def build(ref: NeuronRef, T: int, features: tuple[int, ...] | None = None) -> nn.Module:
    """The module [T, B, *features] -> [T, B, *features] that the ref names, freshly initialised.

    Built-in neurons with a fixed T, and every plug-in, are built for T steps. Those with parameters per
    channel draw them now if the features are given, and otherwise at their first call.

    Errors: NeuronError for
    parameters that do not fit, PsubenchError for a plug-in that cannot be built.
    """
    if ref.is_plugin:
        return _build_plugin(ref, plugins.load(ref.kind), T, ref.label)
    module = _construct(ref, TABLE[ref.kind].implementations[ref.implementation], T)
    if features is not None and TABLE[ref.kind].per_channel:
        import torch

        cast(Any, module).initialize_parameters(torch.zeros(T, 1, *features))
    return module


def build_reference(ref: NeuronRef, T: int) -> nn.Module | None:
    """The slow float64 twin, with parameters of the same names and shapes; None for a plug-in without."""
    if not ref.is_plugin:
        return _construct(ref, TABLE[ref.kind].reference, T)
    make = getattr(plugins.load(ref.kind), "reference", None)
    return None if make is None else _build_plugin(ref, make, T, f"reference of {ref.label}")


def has_step(ref: NeuronRef) -> bool:
    """Whether the module has `step`, one step at a time: the loops have; a plug-in is not asked."""
    return ref.implementation == "loop"


def causal(ref: NeuronRef, *, training: bool = False) -> bool | None:
    """Whether the neuron claims that no spike depends on later input; None if a plug-in does not say.

    Args:
        training: whether it is asked of a module in training mode.
    """
    if ref.is_plugin:
        return cast("bool | None", getattr(plugins.load(ref.kind), "causal", None))
    spec = TABLE[ref.kind]
    # Below lambda = 1 the mask of the masked PSN lets the future in.
    masked = dict(ref.parameters).get("lam", 1.0) == 1.0
    return spec.causal and masked and (spec.causal_in_training or not training)


def output(ref: NeuronRef) -> str:
    """What the neuron gives, one of `OUTPUTS`; a plug-in gives spikes."""
    return "spikes" if ref.is_plugin else TABLE[ref.kind].output


def approximated(ref: NeuronRef) -> NeuronRef | None:
    """The neuron that it tends to, with the parameters that both have; None if there is none."""
    spec = None if ref.is_plugin else TABLE[ref.kind]
    if spec is None or spec.approximates is None:
        return None
    shared = {
        key: value
        for key, value in ref.parameters
        if key in TABLE[spec.approximates].parameters and key != "alpha"
    }
    return parse(plugins.show_call(spec.approximates, tuple(shared.items())))


def interchangeable(ref: NeuronRef) -> bool:
    """Whether every trace is treated alike, so that some stand for all; a plug-in may do otherwise."""
    return not ref.is_plugin and not TABLE[ref.kind].per_channel


def _construct(ref: NeuronRef, where: str, T: int) -> nn.Module:
    spec = TABLE[ref.kind]
    module, _, attribute = where.partition(":")
    parameters: dict[str, Default | Value] = {**spec.parameters, **dict(ref.parameters)}
    fixed = {"T": T} if spec.fixed_T else {}
    return cast("nn.Module", getattr(import_module(module), attribute)(**fixed, **parameters))


def _build_plugin(ref: NeuronRef, make: object, T: int, label: str) -> nn.Module:
    from torch import nn

    how = "a plug-in is called with T= and the parameters in parentheses, and gives a torch.nn.Module"
    if not callable(make):
        raise PsubenchError(f'plug-in "{ref.kind}": {label} is a {type(make).__name__}', how)
    arguments: dict[str, Any] = {"T": T, **dict(ref.parameters)}
    _check_call(make, arguments, f'plug-in "{ref.kind}": {label}', how)
    try:
        module = make(**arguments)
    except Exception as error:
        raise PsubenchError(
            f'plug-in "{ref.kind}": {label} with T={T} raises {plugins.one_line(error)}',
            "mend it or its parameters",
        ) from error
    if not isinstance(module, nn.Module):
        raise PsubenchError(f'plug-in "{ref.kind}": {label} gives a {type(module).__name__}', how)
    return module


def _check_call(make: Callable[..., object], arguments: dict[str, Any], what: str, how: str) -> None:
    try:
        signature = inspect.signature(make)
    except ValueError:  # some builtins have none: the call itself will tell
        return
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise PsubenchError(f"{what} cannot be called: {plugins.one_line(error)}", how) from None
