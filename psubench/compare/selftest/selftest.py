"""False alarms and detections of `compare`: it compares this code with itself, many times.

The verdicts come from the same `AbRun` that `compare --git` runs; only the sides differ. In `aa` they are
equal. In `power` a neuron of one side is slowed down by real work
(`psubench.compare.selftest.slowdown`).
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psubench.compare.git.ab_run import AbRun
from psubench.compare.git.leftovers import held
from psubench.compare.git.side import SLOWDOWN, Side, Words, own_code
from psubench.compare.selftest.background_load import background_load
from psubench.compare.selftest.error_rates import WRAPPER
from psubench.compare.verdicts import Verdict
from psubench.errors import PsubenchError
from psubench.plugins import split_list
from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.run import Run
from psubench.records.selftest import Judged, Suite
from psubench.runs import header


@dataclass(frozen=True)
class Settings:
    """What makes two self-tests the same; a resumed one must have equal settings.

    Attributes:
        tables, suite_settings: of the suite.
        inject: share by which `neuron` is slowed down on one side; 0 for equal sides.
        load: whether there is intermittent background load.
        budget: seconds of one comparison.
    """

    tables: tuple[Words, ...]
    suite_settings: Mapping[str, Any]
    device: str
    inject: float
    neuron: str
    load: bool
    budget: float
    margin: float | None
    seed: int


@dataclass(frozen=True)
class Selftest:
    """Comparisons of this code with itself, recorded in a folder, one after the other.

    Everything is timed: of equal code it would otherwise show that equal work is recognised.

    Attributes:
        say: called with a sentence about the progress.
    """

    settings: Settings
    folder: Path
    resume: bool
    say: Callable[[str], None]

    def run(self, suites: int, max_seconds: float) -> list[Suite]:
        """Records of all comparisons, earlier ones of a resumed test included.

        Args:
            suites: number of comparisons in the end.
            max_seconds: after this time no further comparison is started.

        Raises:
            PsubenchError: the folder holds another test, or one that is still running, or the code cannot be
                measured.
        """
        path, began = self.folder / jsonl.NAME, time.monotonic()
        self._done(path)  # refuses before anything is made
        self.folder.mkdir(parents=True, exist_ok=True)
        with held(self.folder), records_recorder.Recorder(path) as recorder:
            done = self._done(path)
            if not done and not jsonl.begun(path):
                recorder.append(self._header())
            for number in range(len(done), suites):
                if time.monotonic() - began > max_seconds:
                    break
                done.append(self._compare(number))
                recorder.append(done[-1])
                self.say(f"[{number + 1}/{suites}] {_line(done[-1])}")
        return done

    def _done(self, path: Path) -> list[Suite]:
        if not jsonl.begun(path):
            return []
        if not self.resume:
            raise PsubenchError(
                f"{self.folder} holds a self-test already",
                "continue it with --resume or choose another --out",
            )
        records = jsonl.read(path)
        now = _plain(self.settings)
        first = records[0]
        if not isinstance(first, Run) or first.selftest != now:
            raise PsubenchError(
                f"the record in {self.folder} was made with other options", "choose another --out"
            )
        return [one for one in records if isinstance(one, Suite)]

    def _header(self) -> Run:
        return header.header(self.settings.device, [], [], selftest=_plain(self.settings))

    def _compare(self, number: int) -> Suite:
        folder = self.folder / f"suite-{number:03}"
        shutil.rmtree(folder, ignore_errors=True)  # a comparison that was interrupted
        own = own_code(Path(__file__).parents[2])
        slow = {**own, SLOWDOWN: str(self.settings.inject)}
        sides = []
        for name, variables in (("base", own), ("new", slow)):
            (folder / name).mkdir(parents=True)
            sides.append(Side(name, Path(sys.executable), folder / name, variables))
        began, seed = time.monotonic(), self.settings.seed + number
        tables, suite = slowed_down(self.settings), self.settings.suite_settings
        ab_run = AbRun(
            sides[0], sides[1], tables, suite, self.settings.device, folder, self.settings.budget,
            self.settings.margin, ("*",), seed, lambda _: None, counting=False,
        )  # fmt: skip
        with background_load(seed) if self.settings.load else nullcontext():
            comparison = ab_run.run()
        seconds = round(time.monotonic() - began, 1)
        return Suite(
            number=number,
            seconds=seconds,
            margin=comparison.margin,
            exit_code=comparison.exit_code(strict=False),
            cases=[_judged(verdict) for verdict in comparison.verdicts],
        )


def _plain(settings: Settings) -> dict[str, Any]:
    return {
        **asdict(settings),
        "tables": [dict(table) for table in settings.tables],
        "suite_settings": dict(settings.suite_settings),
    }


def slowed_down(settings: Settings) -> list[Words]:
    """The tables with the chosen neuron wrapped, on both sides alike, if something is injected."""
    if not settings.inject:
        return list(settings.tables)
    wrapped = f"psubench.compare.selftest.slowdown:{WRAPPER}(neuron={settings.neuron})"
    tables: list[Words] = [
        {
            **table,
            "neurons": ",".join(wrapped if n == settings.neuron else n for n in split_list(table["neurons"])),
        }
        for table in settings.tables
    ]
    if not any(wrapped in table["neurons"] for table in tables):
        raise PsubenchError(
            f'no table of the suite measures neuron "{settings.neuron}"', "name another with --neuron"
        )
    return tables


def _judged(verdict: Verdict) -> Judged:
    return Judged(**{name: getattr(verdict, name) for name in Judged.__struct_fields__})


def _line(suite: Suite) -> str:
    counts: dict[str, int] = {}
    for case in suite.cases:
        counts[case.verdict] = counts.get(case.verdict, 0) + 1
    words = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{words}; {suite.seconds:.0f} s"
