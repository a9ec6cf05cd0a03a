"""How blocks are run: measured side by side in worker processes, one block after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from psubench import data, models
from psubench.devices import machine
from psubench.errors import number_of
from psubench.neurons import OWN
from psubench.plugins import parse_call
from psubench.records.events import Watcher
from psubench.records.jsonl import WORK
from psubench.records.paired import finished
from psubench.records.run import Planned, Run, case_of
from psubench.records.structs import Record
from psubench.runs import measuring_code
from psubench.runs.case import CHECKPOINT, Block, CountCase, Entry
from psubench.runs.estimate import estimate
from psubench.runs.header import header
from psubench.runs.preflight import check_blocks
from psubench.runs.schedule import Runner, Settings
from psubench.sops import energy_models


@dataclass
class Blocks:
    """Blocks, run as a `campaign.Work`."""

    blocks: Sequence[Block]
    settings: Settings
    follows: bool = field(default=False, init=False)
    _done: set[tuple[str, int | str]] = field(default_factory=set)

    @property
    def device(self) -> str:
        """Of all of them."""
        return self.blocks[0].case.device

    @property
    def timed(self) -> bool:
        """Whether others must not run meanwhile: counting is not disturbed."""
        return self.settings.processes > 0

    @property
    def entries(self) -> list[Entry]:
        """Of all blocks."""
        return [entry for block in self.blocks for entry in block.entries]

    def planned(self) -> list[Planned]:
        """The cases, as the header has them."""
        return [
            Planned(
                key=entry.case.key, case=case_of(entry.case.canonical()), label=entry.label,
                reference=block.entries[0].case.key, skip=entry.skip,
            )
            for block in self.blocks
            for entry in block.entries
        ]  # fmt: skip

    def header(self) -> Run:
        """The first record."""
        settings, threads = self.settings, self.blocks[0].case.threads
        return header(
            self.device, self._plugins(), self.planned(), self._checkpoints(), threads,
            seed=settings.seed, settings=asdict(settings),
            measured_by=measuring_code.digest() if WORK in settings.passes else None,
        )  # fmt: skip

    def _plugins(self) -> list[str]:
        """Neurons, networks, data and energy models that are code, or prices, of the user's."""
        entries = self.entries
        found = [entry.ref.kind for entry in entries if entry.ref.is_plugin and entry.ref.kind != OWN]
        networks = [models.parse(name) for name in sorted({e.case.model for e in entries} - {"neuron"})]
        found += [ref.kind for ref in networks if ref.is_plugin]
        sources = [data.parse(name) for name in sorted({entry.case.data for entry in entries})]
        found += [ref.kind for ref in sources if ref.is_plugin]
        prices = {e.case.energy_model for e in entries if isinstance(e.case, CountCase)}
        kinds = sorted(parse_call(text)[0] for text in prices)
        return [*found, *(kind for kind in kinds if kind not in energy_models.TABLE)]

    def _checkpoints(self) -> list[str]:
        """Where the weights of the networks come from, if from files."""
        words = {e.case.weights for e in self.entries if isinstance(e.case, CountCase)}
        found = sorted(word.removeprefix(CHECKPOINT) for word in words if word.startswith(CHECKPOINT))
        return [*found, *([self.settings.checkpoint] if self.settings.checkpoint else [])]

    def listed(self) -> list[dict[str, Any]]:
        """The plan for programs."""
        return [
            e.case.canonical() if isinstance(e.case, CountCase) else {**e.case.canonical(), "skip": e.skip}
            for e in self.entries
        ]

    def lines(self, reports: Path) -> Iterator[str]:
        """The plan for people, and how long it may take by what the runs in `reports` took."""
        for block in self.blocks:
            first = block.entries[0]
            if isinstance(first.case, CountCase):
                yield f"{first.label}: {block.title}, {first.case.samples} samples"
                continue
            yield f"{block.title}: {', '.join(e.label for e in block.entries if e.skip is None)}"
            for entry in (e for e in block.entries if e.skip is not None):
                yield f"  without {entry.label}: {entry.skip}"
        if not isinstance(self.entries[0].case, CountCase):
            count = f"{number_of(len(self.entries), 'case')} in {number_of(len(self.blocks), 'block')}"
            yield f"{count}, {self.settings.processes} processes each"
            yield self._estimate(reports)

    def _estimate(self, reports: Path) -> str:
        processes = self.settings.processes
        seconds, known = estimate(self.blocks, processes, reports, machine())
        unknown = len(self.blocks) - known
        least = unknown * processes * max(self.settings.seconds(block) for block in self.blocks)
        texts = []
        if known:
            texts.append(f"{known} blocks took {_clock(seconds)} here before")
        if unknown:
            texts.append(f"{unknown} were never measured here: up to {_clock(least)} of samples, and checks")
        return "; ".join(texts)

    def check(self) -> None:
        """Raises PsubenchError now, and not in every worker, for what no worker can do."""
        check_blocks(self.blocks, self.settings.max_memory)

    def resume(self, records: Sequence[Record]) -> None:
        """Leaves out what a record holds."""
        self._done = finished(records)

    def run(self, folder: Path, record: Callable[[Record], None], watcher: Watcher) -> None:
        """Measures what is due."""
        Runner(self.settings, record, watcher, self._done, folder).run(self.blocks)


def _clock(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
