"""How much energy does a neuron use? One block in one worker process: build, gate, measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psubench.devices.energy_meters import require
from psubench.experiments.paired.probe import Measured, Probe
from psubench.measure.contestants import Contestant
from psubench.measure.windows import Metering, Windowing, Windows
from psubench.records.events import Live
from psubench.records.measured import AGAIN, Block, Energy
from psubench.records.paired import per_call
from psubench.stats import intervals


@dataclass
class EnergyProbe(Probe):
    """State of a worker while it measures the energy of its block; its gate is that of `speed`."""

    record: ClassVar[type[Block | Energy]] = Energy

    def _measure(self, contestants: list[Contestant], reference: str | None) -> Measured:
        metering = Metering(
            self.device,
            require(self.device.name),
            Windowing(**self.job.windows or {}),
            self._rng(),
            lambda label: self.mark(label, "measure"),
            self._after_round,
            self.guard,
        )
        return metering.measure(contestants, reference)

    def _after_round(self, so_far: Windows) -> None:
        samples, reference = per_call(so_far.counters, so_far.windows), self.job.reference
        if not samples.get(AGAIN) or reference not in samples:
            return
        ratios = {
            name: intervals.over_rounds(
                intervals.log_ratios(samples[reference], samples[AGAIN if name == reference else name])
            ).ratios()
            for name in samples
            if name != AGAIN
        }
        self.say(Live(ratios, len(samples[reference])))
