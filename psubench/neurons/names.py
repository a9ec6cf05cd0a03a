"""From the text of the command line to a neuron: names, parameters, implementations, plug-ins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psubench import plugins
from psubench.errors import NeuronError, PsubenchError, nearest
from psubench.neurons import candidates
from psubench.neurons.checks import check_parameters
from psubench.neurons.foreign import table as foreign
from psubench.neurons.spec import NeuronSpec
from psubench.neurons.table import TABLE
from psubench.plugins import Value

if TYPE_CHECKING:
    from torch import Tensor

PLUGIN = "plugin"
STEP = "step"
"""Implementations of plug-ins: called with all steps at once, or with one after the other."""
OWN = "own"
"""The neurons that a network brings along, of whatever kind they are."""
_AT = re.compile(r"(?P<kind>[^@()]*)(?P<at>@[^@()]*)?(?P<call>\(.*\))?(?P<late>@[^@()]*)?", re.DOTALL)


@dataclass(frozen=True)
class NeuronRef:
    """A neuron as it was asked for.

    Attributes:
        name: canonical text without the implementation: "lif(reset=hard,tau=4)"; defaults are left out.
        kind: name in `TABLE`, "module:attribute" of a plug-in, "library:Neuron", or `OWN`.
        implementation: name of one of its implementations; "plugin" for a plug-in, and "step" for one
            that is called with one step after the other.
        parameters: pairs of name and value that differ from the defaults, sorted.
    """

    name: str
    kind: str
    implementation: str
    parameters: tuple[tuple[str, Value], ...]

    @property
    def is_plugin(self) -> bool:
        """Whether its code comes from outside psubench."""
        return ":" in self.kind or self.kind == OWN

    @property
    def text(self) -> str:
        """What `parse` reads back into an equal ref."""
        default = PLUGIN if self.is_plugin else TABLE[self.kind].default
        return self.name if self.implementation == default else f"{self.name}@{self.implementation}"

    @property
    def label(self) -> str:
        """Short name for tables and figures: a plug-in without its path; marks an ANN and other outputs."""
        if self.is_plugin:
            return self.text.rpartition(":")[2] if foreign.library_of(self.kind) is None else self.text
        spec = TABLE[self.kind]
        marks = [*(["ann"] if spec.ann else []), *([] if spec.output == "spikes" else [spec.output])]
        return f"{self.text} [{', '.join(marks)}]" if marks else self.text


def parse(text: str) -> NeuronRef:
    """The neuron that `name[@implementation][(key=value,...)]` names; imports nothing.

    A plug-in is `package.module:attribute[(...)]` or `path/file.py:attribute[(...)]`, with `@step` after it
    where it takes one step at a time; `path/file.py` alone is the one class in it that could be meant; a
    neuron of a library is `library:Neuron[(...)]`.
    Errors: PsubenchError with the nearest known name; NeuronError for a value out of range.
    """
    if text.strip() == OWN:
        return NeuronRef(OWN, OWN, PLUGIN, ())
    text = candidates.resolve(text.strip())
    if ":" in text.partition("(")[0]:
        return _parse_plugin(text.strip())
    match = _AT.fullmatch(text.strip())
    if match is None or (match["at"] and match["late"]):
        raise PsubenchError(f'"{text}" is not a neuron', "write name, name@implementation or name(key=value)")
    kind = match["kind"].strip()
    if kind not in TABLE:
        what = f'unknown neuron "{kind}"' if kind else f'"{text}" does not name a neuron'
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
    whole, at, late = text.rpartition("@") if text.rstrip().endswith(f"@{STEP}") else (text, "", "")
    kind, given = plugins.parse_call(whole)
    kind, early, word = kind.partition("@") if "@" in kind.rpartition(":")[2] else (kind, "", "")
    implementation = (word or late or PLUGIN).strip()
    if implementation not in (PLUGIN, STEP) or (early and at):
        raise PsubenchError(
            f'"{text}": a plug-in is called with all steps at once, or with @{STEP} one after the other',
            f'leave out the part from "@" on, or write file.py:Node@{STEP}',
        )
    plugins.check_exists(kind)
    foreign.check(kind)
    parameters = tuple(sorted(given.items()))
    return NeuronRef(plugins.show_call(kind, parameters), kind, implementation, parameters)


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
    """The neurons of a comma-separated list, without repetitions.

    `all` is every built-in neuron, `peers` the LIF of every other library that is installed.
    """
    refs: dict[NeuronRef, None] = {}
    for piece in plugins.split_list(text):
        if not piece:
            raise PsubenchError(f'"{text}" has no neuron between two commas', nearest("", ["all", *TABLE]))
        for name in _SEVERAL[piece]() if piece in _SEVERAL else [piece]:
            refs[parse(name)] = None
    return list(refs)


_SEVERAL: Mapping[str, Callable[[], Iterable[str]]] = {"all": lambda: TABLE, "peers": foreign.peers}


def output(ref: NeuronRef) -> str:
    """What the neuron gives, one of `OUTPUTS`; a plug-in gives spikes."""
    return "spikes" if ref.is_plugin else TABLE[ref.kind].output


def is_ann(ref: NeuronRef) -> bool:
    """Whether it is not a spiking neuron but the activation of an artificial neural network."""
    return not ref.is_plugin and TABLE[ref.kind].ann


def steps(ref: NeuronRef, T: int) -> int:
    """For how many steps it is run in a case of T steps: 1 without time, else all."""
    return 1 if is_ann(ref) else T


def presented(ref: NeuronRef, x: Tensor) -> Tensor:
    """The input [T, B, *] as a network of the neuron gets it: without time one step, the mean over T."""
    return x.mean(0, keepdim=True) if is_ann(ref) else x


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


def has_step(ref: NeuronRef) -> bool:
    """Whether the module has `step`, one step at a time: the loops have; a plug-in is not asked."""
    return ref.implementation == "loop"
