"""Spiking networks beside the same network as an artificial neural network (ANN): hungrier? No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psubench.experiments.outputs import spec_of
from psubench.render.numbers import PICOJOULES, in_units, ratio, significant


@dataclass(frozen=True)
class Cost:
    """The estimated energy of a network.

    Attributes:
        neuron, label: of its neurons.
        setting: what must be equal in networks that are compared.
        energy_pj: per sample; None if unknown.
        spike_energy_pj: the part of it that grows with the firing rate.
        firing_rate: None where nothing fires.
    """

    neuron: str
    label: str
    setting: Mapping[str, Any]
    energy_pj: float | None
    spike_energy_pj: float | None
    firing_rate: float | None

    def equal_rate(self, energy_pj: float) -> float | None:
        """The firing rate at which it would cost `energy_pj`, all layers in proportion; None if unknown.

        It is not above 0 where what does not depend on spikes costs more, and may be above 1.
        """
        if self.energy_pj is None or self.spike_energy_pj is None:
            return None
        fixed = self.energy_pj - self.spike_energy_pj
        if not self.spike_energy_pj or not self.firing_rate:
            return 0.0 if fixed >= energy_pj else None
        return self.firing_rate * (energy_pj - fixed) / self.spike_energy_pj


def is_ann(neuron: str) -> bool:
    """Whether the text of a neuron names the activation of an ANN."""
    spec = spec_of(neuron)
    return spec is not None and spec.ann


def equal_rates(costs: Sequence[Cost]) -> list[str]:
    """What each spiking network needs beside those of ANNs, and the firing rate at which both are equal."""
    groups: dict[tuple[str, float], list[Cost]] = {}
    for cost in costs:
        if is_ann(cost.neuron) and cost.energy_pj:
            groups.setdefault((repr(cost.setting), cost.energy_pj), []).append(cost)
    lines = []
    for (setting, energy_pj), anns in groups.items():
        others = [cost for cost in costs if repr(cost.setting) == setting and not is_ann(cost.neuron)]
        found = [_told(other, other.energy_pj / energy_pj, energy_pj) for other in others if other.energy_pj]
        names = " and ".join(one.label for one in anns)
        where = ", ".join(f"{key} {anns[0].setting[key]}" for key in ("data", "T"))
        lines += [
            f"estimated energy beside {names}, {in_units(energy_pj, PICOJOULES)} a sample ({where}): {one}"
            for one in filter(None, ["; ".join(found)])
        ]
    return lines


def _told(cost: Cost, times: float, energy_pj: float) -> str:
    rate = cost.equal_rate(energy_pj)
    if rate is None:
        equal = "the firing rate at which both would be equal is unknown"
    elif rate <= 0:
        equal = "not equal even without spikes"
    elif rate > 1:
        equal = "not equal even with a spike in every step"
    else:
        equal = f"equal at a firing rate of {significant(rate)}, it has {significant(cost.firing_rate or 0)}"
    return f"{cost.label} {'hungrier' if times > 1 else 'not hungrier'}, {ratio(times)} ({equal})"
