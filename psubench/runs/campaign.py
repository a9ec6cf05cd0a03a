"""A run from its first record to its last: environment, plan, lock, resume, interruption."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from psubench import data, models
from psubench.devices import device_lock, worker_environment
from psubench.experiments.sparsity.plan import CHECKPOINT, CountCase
from psubench.neurons import OWN
from psubench.plugins import parse_call
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.paired import finished
from psubench.records.run import End, Planned, Run, case_of
from psubench.runs import header
from psubench.runs.case import Block
from psubench.runs.schedule import Runner, Settings, Watcher
from psubench.sops import energy_models


@dataclass(frozen=True)
class Campaign:
    """Blocks to be measured into one folder.

    Attributes:
        folder: where `run.jsonl` stands or will stand.
        resume: go on with the record that is there, rather than refuse to touch it.
        on_wait: told in a sentence that another run holds the device.
    """

    blocks: Sequence[Block]
    settings: Settings
    folder: Path
    resume: bool
    on_wait: Callable[[str], None]

    def run(self, watcher: Watcher) -> bool:
        """Measures what the record lacks; False when Ctrl-C ended it.

        Raises:
            PsubenchError: the folder holds a run and `resume` is not set, the run was made in another
                environment, with another seed, reference or plug-in file, or the record cannot be written.
        """
        path = self.folder / jsonl.NAME
        self._done(path)  # refuses now, not after waiting for the device
        with (
            device_lock(self.blocks[0].case.device, self.on_wait),
            records_recorder.Recorder(path) as recorder,  # from here on nobody else writes the record
        ):
            return self._record(Runner(self.settings, recorder, watcher, self._done(path)))

    def _record(self, runner: Runner) -> bool:
        runner.recorder.append(self._header())
        try:
            runner.run(self.blocks)
        except KeyboardInterrupt:
            runner.recorder.append(End(status="interrupted"))
            return False
        runner.recorder.append(End(status="complete"))
        return True

    def _done(self, path: Path) -> set[tuple[str, int | str]]:
        if not jsonl.begun(path):
            return set()
        header.refuse_unless_resumed(self.folder, resume=self.resume)
        records = jsonl.read(path)
        header.check_resumable(records, self._header(), self.folder)
        return finished(records)

    def _header(self) -> Run:
        case = self.blocks[0].case
        cases = [
            Planned(
                key=entry.case.key,
                case=case_of(entry.case.canonical()),
                label=entry.label,
                reference=block.entries[0].case.key,
                skip=entry.skip,
            )
            for block in self.blocks
            for entry in block.entries
        ]
        return header.header(
            case.device,
            self._plugins(),
            cases,
            self._checkpoints(),
            seed=self.settings.seed,
            settings=asdict(self.settings),
            worker_environment=worker_environment(case.threads, case.device),
        )

    def _plugins(self) -> list[str]:
        """Neurons, networks, data and energy models that are code, or prices, of the user's."""
        entries = [entry for block in self.blocks for entry in block.entries]
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
        cases = [entry.case for block in self.blocks for entry in block.entries]
        words = {case.weights for case in cases if isinstance(case, CountCase)}
        found = sorted(word.removeprefix(CHECKPOINT) for word in words if word.startswith(CHECKPOINT))
        return [*found, *([self.settings.checkpoint] if self.settings.checkpoint else [])]
