"""A run from its first record to its last: environment, plan, lock, resume, interruption."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psubench import __version__, analyse, plugins, record
from psubench.devices import device_lock, identity, machine, worker_environment
from psubench.errors import PsubenchError
from psubench.runner import Runner, Settings, Watcher
from psubench.suite import Block


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
        path = self.folder / record.NAME
        self._done(path)  # refuses now, not after waiting for the device
        with device_lock(self.blocks[0].case.device, self.on_wait):
            done = self._done(path)
            with record.Recorder(path) as recorder:
                return self._record(Runner(self.settings, recorder, watcher, done))

    def _record(self, runner: Runner) -> bool:
        runner.recorder.append(self._header())
        try:
            runner.run(self.blocks)
        except KeyboardInterrupt:
            runner.recorder.append({"type": "end", "status": "interrupted"})
            return False
        runner.recorder.append({"type": "end", "status": "complete"})
        return True

    def _done(self, path: Path) -> set[tuple[str, int | str]]:
        if not record.begun(path):
            return set()
        if not self.resume:
            raise PsubenchError(
                f"{self.folder} holds a run already", "continue it with --resume or choose another --out"
            )
        records = record.read(path)
        before = next(r for r in reversed(records) if r["type"] == "run")
        now = self._header()
        for what in ("psubench", "seed", "environment"):
            _same(what, before[what], now[what], self.folder)
        _same("the plug-in", *_in_both(before["plugins"], now["plugins"]), self.folder)
        _same("the reference of case", *_in_both(_references(before), _references(now)), self.folder)
        return analyse.finished(records)

    def _header(self) -> dict[str, Any]:
        case = self.blocks[0].case
        started = datetime.now(UTC)
        return {
            "type": "run",
            "schema": record.SCHEMA,
            "run_id": f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            "started": started.isoformat(timespec="seconds"),
            "psubench": __version__,
            "argv": sys.argv[1:],
            "seed": self.settings.seed,
            "settings": asdict(self.settings),
            "environment": {**machine(), "device": identity(case.device)},
            "plugins": {
                entry.ref.kind: plugins.digest(entry.ref.kind)
                for block in self.blocks
                for entry in block.entries
                if entry.ref.is_plugin
            },
            "worker_environment": worker_environment(case.threads, case.device),
            "cases": [
                {
                    "key": entry.case.key,
                    "case": entry.case.canonical(),
                    "label": entry.label,
                    "reference": block.entries[0].case.key,
                    "skip": entry.skip,
                }
                for block in self.blocks
                for entry in block.entries
            ],
        }


def _references(header: Mapping[str, Any]) -> dict[str, str]:
    return {case["key"]: case["reference"] for case in header["cases"]}


def _in_both(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The entries whose keys are in both."""
    common = before.keys() & now.keys()
    return {key: before[key] for key in common}, {key: now[key] for key in common}


def _same(what: str, before: Any, now: Any, folder: Path) -> None:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before.keys() | now.keys():
            _same(f"{what} {key}", before.get(key), now.get(key), folder)
    elif before != now:
        raise PsubenchError(
            f"the run in {folder} was made with {what} {before!r}, this one has {now!r}",
            "samples of both must not mix: choose another --out",
        )
