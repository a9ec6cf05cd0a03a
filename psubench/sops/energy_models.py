"""THE table of energy models: pure functions from work to picojoules. They estimate; they measure nothing.

All are linear in the counts. An operation without a price costs nothing, and `omits` lists it; an
unknown energy is None. No built-in model prices normalisation, pooling and residual additions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import pairwise
from types import MappingProxyType

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.plugins import Value
from psubench.sops.work import Work


@dataclass(frozen=True)
class EnergyModel:
    """An energy model.

    Attributes:
        name: as the command line takes it, with its parameters.
        constants: picojoules by operation.
        source: where they come from.
        verified: whether they were checked against the source.
        omits: what it leaves out.
        price: picojoules of a work; None if unknown.
    """

    name: str
    constants: Mapping[str, float]
    source: str
    verified: bool
    omits: str
    price: Callable[[Work], float | None] = field(compare=False)


@dataclass(frozen=True)
class Linear:
    """Picojoules per operation; an operation without a price costs nothing.

    Attributes:
        mac, ac: operations of synapses and of neurons.
        cmp, nonlin: a comparison and a nonlinear function of a neuron.
        bias: an addition of a bias.
        event: reading and addressing an input that is not 0.
        conv_event: in addition, for an input of a convolution.
        update: a step of a neuron, instead of its single operations; unknown for neurons that are not
            updated step by step.
        access: a read or a write of a memory: per synaptic operation one of the weight and two of the
            potential, per bias one, per event and per spike one, per step of a neuron two.
        address: an addition for the address of every synaptic operation.
    """

    mac: float
    ac: float
    cmp: float = 0.0
    nonlin: float = 0.0
    bias: float = 0.0
    event: float = 0.0
    conv_event: float = 0.0
    update: float | None = None
    access: float = 0.0
    address: float = 0.0

    def __call__(self, work: Work) -> float | None:
        """Picojoules of a work; None if a count that has a price is unknown."""
        operations = None if work.mac is None or work.ac is None else work.mac + work.ac
        if self.update is not None and work.updates is None:
            return None
        single = self.update is None
        paid = (
            (self.mac, work.mac),
            (self.ac, work.ac),
            (self.bias + self.access, work.bias),
            (self.event + self.access, work.events),
            (self.conv_event, work.conv_events),
            (self.access, work.spikes),
            (3 * self.access + self.address, operations),
            ((self.update or 0.0) + 2 * self.access, work.updates),
            (self.mac * single, work.dynamics_mac),
            (self.ac * single, work.dynamics_ac),
            (self.cmp * single, work.dynamics_cmp),
            (self.nonlin * single, work.dynamics_nonlin),
        )
        total = 0.0
        for price, count in paid:
            if price:
                if count is None:
                    return None
                total += price * count
        return round(total, 6)  # sums such as 4.6 + 0.9 have meaningless last digits


_HOROWITZ = "Horowitz, ISSCC 2014, 45 nm, 0.9 V"
_LEMAIRE = "Lemaire et al., ICONIP 2022, arXiv:2210.13107, with memory and addressing; 45 nm int32"
_DAVIES = "Davies et al., IEEE Micro 2018: 23.6 pJ per synaptic operation, 81 pJ per neuron update"
_MEROLLA = "Merolla et al., Science 2014: 26 pJ per synaptic event; others cite 2.5 pJ: synaptic=2.5"
_NO_MEMORY = "memory, addressing, comparisons and nonlinear functions"
_SRAM: tuple[tuple[float, float], ...] = ((8, 10.0), (32, 20.0), (1024, 100.0))
"""KiB, and picojoules of a 64-bit access (Horowitz 2014)."""


def sram_access(kib: float) -> float:
    """Picojoules of an access to a memory of `kib` KiB, linear between the published sizes."""
    for (low, cheap), (high, dear) in pairwise(_SRAM):
        if kib <= high:
            return cheap + (dear - cheap) * (max(kib, low) - low) / (high - low)
    return _SRAM[-1][1]


def _horowitz(mac: float, ac: float, name: str) -> EnergyModel:
    return _linear(name, Linear(mac, ac), _HOROWITZ, verified=True, omits=_NO_MEMORY)


def _lemaire(name: str, sram: float) -> EnergyModel:
    # Equation 16: in a convolution an event costs two multiply-accumulates for the address of its first
    # output. Equation 17: in a linear layer only the addresses of its outputs are computed.
    price = Linear(mac=3.2, ac=0.1, bias=0.1, conv_event=2 * 3.2, access=sram_access(sram), address=0.1)
    omits = "comparisons and nonlinear functions; unknown for neurons that are not updated step by step"
    # How often memory is accessed was taken from the authors' later code, not from the paper.
    return _linear(name, price, f"{_LEMAIRE}, SRAM of {sram:g} KiB", verified=False, omits=omits)


def _loihi(name: str) -> EnergyModel:
    price = Linear(mac=23.6, ac=23.6, update=81.0)
    omits = "routing between cores; unknown for neurons that are not updated step by step"
    return _linear(name, price, _DAVIES, verified=True, omits=omits)


def _truenorth(name: str, synaptic: float) -> EnergyModel:
    price = Linear(mac=synaptic, ac=synaptic, update=0.0)  # the published figure includes the neurons' share
    omits = "unknown for neurons that are not updated step by step"
    return _linear(name, price, _MEROLLA, verified=False, omits=omits)


def _linear(name: str, price: Linear, source: str, *, verified: bool, omits: str) -> EnergyModel:
    constants = {key: value for key, value in asdict(price).items() if value}
    return EnergyModel(name, constants, source, verified, f"{omits}; {unpriced(price)}", price)


def unpriced(price: Linear | None) -> str:
    """Operations of a network besides its synapses for which a model has no price.

    Args:
        price: of a linear model; None for a function, which gets the biases only.
    """
    biases = "" if price is None or price.bias or price.access else "biases, "
    return f"additions of {biases}normalisation, pooling and residuals"


@dataclass(frozen=True)
class ModelSpec:
    """A built-in model: its parameters with their defaults and ranges, and its constructor."""

    make: Callable[..., EnergyModel]
    parameters: Mapping[str, float] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)


TABLE: Mapping[str, ModelSpec] = MappingProxyType(
    {
        "horowitz45-fp32": ModelSpec(partial(_horowitz, 4.6, 0.9)),
        "horowitz45-fp16": ModelSpec(partial(_horowitz, 1.5, 0.4)),
        "horowitz45-int32": ModelSpec(partial(_horowitz, 3.2, 0.1)),
        "horowitz45-int8": ModelSpec(partial(_horowitz, 0.23, 0.03)),
        "lemaire": ModelSpec(_lemaire, {"sram": 32.0}, {"sram": (8, 1024)}),
        "loihi": ModelSpec(_loihi),
        "truenorth": ModelSpec(_truenorth, {"synaptic": 26.0}, {"synaptic": (0.001, 1000)}),
    }
)


def parse(text: str) -> EnergyModel:
    """The model that a text names: a name in `TABLE`, with parameters `lemaire(sram=256)`; a TOML file; or
    a plug-in `package.module:function` or `path/file.py:function`.

    Raises:
        PsubenchError: there is none of that name, or it is not valid.
    """
    from psubench.sops import user_energy_models

    kind, given = plugins.parse_call(text)
    if kind.endswith(".toml"):
        return user_energy_models.from_toml(kind)
    if ":" in kind:
        return user_energy_models.from_plugin(text)
    if kind not in TABLE:
        raise PsubenchError(
            f'unknown energy model "{text}"', f"{nearest(kind, TABLE)}, a TOML file or a plug-in"
        )
    spec = TABLE[kind]
    parameters = {**spec.parameters, **{key: _number(kind, spec, key, given[key]) for key in given}}
    shown = tuple((key, value) for key, value in sorted(given.items()) if value != spec.parameters[key])
    return spec.make(name=plugins.show_call(kind, shown), **parameters)


def _number(kind: str, spec: ModelSpec, key: str, value: Value) -> float:
    if key not in spec.ranges:
        known = nearest(key, spec.ranges) if spec.ranges else "it has none"
        raise PsubenchError(f'energy model "{kind}" has no parameter "{key}"', known)
    low, high = spec.ranges[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise PsubenchError(
            f'energy model "{kind}": {key}={plugins.show_value(value)}',
            f"{key} is a number from {low:g} to {high:g}",
        )
    return float(value)
