"""Suites: TOML files with the options of a command. One format for all commands, read strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import msgspec

from psubench.errors import PsubenchError
from psubench.experiments import axes
from psubench.experiments.accuracy.plan import in_order
from psubench.experiments.axes import Axes
from psubench.experiments.experiment import Experiment
from psubench.experiments.option import Option, declared
from psubench.experiments.read_options import read_options
from psubench.experiments.registry import COMMANDS, options_of
from psubench.experiments.speed.plan import meant
from psubench.experiments.suite_tables import File, Table
from psubench.neurons import parse
from psubench.runs.campaign import Work
from psubench.runs.case import Block, Entry
from psubench.runs.schedule import Settings
from psubench.training.case import Training

SKIPPING = ("speed", "energy")
"""Commands whose tables show rows that were not run."""


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """Cases that are not run: those that have all of these values."""

    reason: Annotated[str, Option("Shown in the tables.")] = ""
    neuron: axes.Reference | None = None
    model: axes.Model | None = None
    data: axes.Data | None = None
    T: axes.Ts | None = None
    batch: axes.Batch | None = None
    size: axes.Size | None = None
    phase: axes.Phase | None = None
    mode: axes.Mode | None = None
    dtype: axes.Dtype | None = None

    def meets(self, entry: Entry) -> bool:
        """Whether it matches this case."""
        case = entry.case
        pairs = [
            (self.neuron and [parse(self.neuron).text], entry.ref.text),
            (self.model and [meant(self.model, case.device).model], case.model),
            (self.data and [self.data], case.data),
            (self.T, case.T),
            (self.batch, case.batch),
            (self.size, case.size),
            (self.phase, case.phase),
            (self.mode, case.mode),
            (self.dtype and [self.dtype], case.dtype),
        ]
        return all(value in wanted for wanted, value in pairs if wanted)


@dataclass(frozen=True)
class Suite:
    """A suite.

    Attributes:
        command: whose options its tables hold.
        options: of each table, with the settings.
        skips: cases that are not run.
        tables, settings: as written in the file, for another revision of psubench: the tables as
            texts of the command line.
    """

    path: Path
    command: str
    options: Sequence[Axes]
    skips: Sequence[Skip]
    tables: Sequence[Mapping[str, str]]
    settings: Mapping[str, Any]
    where: Callable[[tuple[str | int, ...]], str]

    @property
    def name(self) -> str:
        """Short name, for folders."""
        return self.path.stem

    @property
    def experiment(self) -> Experiment:
        """The kind of run that it asks for."""
        return COMMANDS[self.command]

    def blocks(self, device: str) -> list[Block]:
        """The blocks of all tables; cases that a `[[skip]]` matches have its reason.

        Raises:
            PsubenchError: values do not fit together; the message names file and line.
        """
        if self.experiment.trains:
            raise PsubenchError(
                f"{self.path} contains trainings, not cases to measure", "run it with psubench run"
            )
        made = self._planned(device)
        self._check_once(made)
        for number, skip in enumerate(self.skips):
            made = self._without(made, number, skip)
        return made

    def work(self, device: str) -> Work:
        """What is run, and how."""
        planned = self.trainings(device) if self.experiment.trains else self.blocks(device)
        return self.experiment.work(self.command, self.options[0], planned)

    def how(self) -> Settings:
        """How the blocks are measured; all tables share the settings."""
        return self.experiment.how(self.options[0])

    def trainings(self, device: str) -> list[Training]:
        """What is trained: every training of all tables once."""
        return in_order(self._planned(device))

    def _planned(self, device: str) -> list[Any]:
        made = []
        for number, options in enumerate(self.options):
            try:
                made += self.experiment.planned(options, device)
            except PsubenchError as error:
                place = self.where((self.command, number))
                raise PsubenchError(f"{place}: {error.what}", error.remedy) from None
        return made

    def _check_once(self, blocks: Sequence[Block]) -> None:
        seen: set[str] = set()
        for entry in (entry for block in blocks for entry in block.entries):
            case = entry.case
            if case.key in seen:
                raise PsubenchError(
                    f"{self.path}: {case.neuron} on {case.model} with T = {case.T} is in two tables",
                    "leave one of them out",
                )
            seen.add(case.key)

    def _without(self, blocks: Sequence[Block], number: int, skip: Skip) -> list[Block]:
        hits = 0
        made = []
        for block in blocks:
            met = [skip.meets(entry) for entry in block.entries]
            hits += sum(met)
            entries = [
                replace(entry, skip=skip.reason) if hit else entry
                for entry, hit in zip(block.entries, met, strict=True)
            ]
            made.append(replace(block, entries=tuple(entries)))
        if not hits:
            raise PsubenchError(f"{self.where(('skip', number))}: it matches no case", "correct or remove it")
        return made


def read(path: Path, given: Table | None = None) -> Suite:
    """A suite, with every key and every value checked.

    Args:
        given: options of the command line, which override those of the suite.

    Raises:
        PsubenchError: no such file, invalid TOML, another version, an unknown key or a value out of range.
    """
    file = File.read(path)
    command = file.command
    kind = options_of(command)
    win = _renamed(given or {}, command, path)
    options = [read_options(kind, {**table, **win}) for table in file.tables(command)]
    skips = [read_options(Skip, table) for table in file.array("skip")]
    for number, (skip, keys) in enumerate(zip(skips, file.array("skip"), strict=True)):
        if not skip.reason or len(keys) < 2:
            file.fail(("skip", number), "it needs a reason and what to skip", 'add reason = "..."')
    if skips and command not in SKIPPING:
        file.fail(("skip", 0), f"[[{command}]] skips nothing", "remove it")
    words = [{key: one.text for key, one in table.items()} for table in file.array("speed")]
    return Suite(path, command, options, skips, words, file.content.get("settings", {}), file.where)


def _renamed(given: Table, command: str, path: Path) -> Table:
    """Options of `run` under the names that they have in a command: `--seed` also sets `--seeds`."""
    fields = declared(options_of(command))
    names = {field.option.alias: name for name, field in fields.items() if field.option}
    found = {}
    for name, one in given.items():
        own = name if name in fields else names.get(one.name)
        if own is None:
            one.fail(f"{one.name} is not an option of {command}, which {path} runs", "leave it out")
        found[own] = one
    return found
