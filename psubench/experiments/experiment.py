"""One kind of run: what is planned, measured, read, shown, drawn and exported of it, and where each stands.

A reference "module:attribute" is relative to `psubench.experiments` and imported when it is needed, so that
the table of kinds costs nothing and no command imports what another needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from msgspec import Struct

    from psubench.experiments.written import Named
    from psubench.records.structs import Record
    from psubench.render.grid import Sheet
    from psubench.render.paper import Printed
    from psubench.render.report.parts import Part
    from psubench.runs.campaign import Work
    from psubench.runs.schedule import Settings


@dataclass(frozen=True)
class Experiment:
    """One kind of run; each field is a reference unless it says otherwise.

    Attributes:
        name: `kind` of its cases in a record; no reference.
        options: of each of its commands, by their names.
        plan: from options and a device to the blocks, or the trainings, that are measured.
        settings: from options to how they are measured; "" where the commands train.
        probe: what measures in a worker, the only module of a kind that imports torch; "" likewise.
        records: types of its lines in `run.jsonl`; no references.
        read: from the records of one run to what is shown of it.
        join: from what all runs together hold to what is shown of it, where that is not the same.
        row: the struct of a row of CSV and JSON.
        flat: from what is shown to rows, where those are not the same.
        sheet: from what is shown to captions, tables and sentences.
        figures: from what is shown to figures by name; "" where there are none.
        report: from the records of runs to the part of a report.
        facts: from what is shown, and the records of runs, to name and text of what a caption says.
        paper: figures of the paper by name: from what is shown, what gives labels their names, and a width
            in inches to caption and figure, or to why there is none.
        formats: further formats of `export`, of rows.
    """

    name: str
    options: Mapping[str, str]
    plan: str
    records: tuple[str, ...]
    read: str
    row: str
    sheet: str
    report: str
    facts: str
    settings: str = ""
    probe: str = ""
    join: str = ""
    flat: str = ""
    figures: str = ""
    paper: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)

    @property
    def trains(self) -> bool:
        """Whether its commands train, and do not measure blocks."""
        return not self.settings

    def planned(self, options: Any, device: str) -> list[Any]:
        """The blocks or trainings that options ask for.

        Args:
            device: as `devices.resolve` gives it.
        """
        return list(attribute(self.plan)(options, device))

    def work(self, command: str, options: Any, planned: list[Any]) -> Work:
        """What is run, and how; of several options the first say how."""
        if self.trains:
            from psubench.experiments.accuracy.plan import in_order
            from psubench.runs.trainings import Trainings

            return Trainings(command, in_order(planned), options.jobs)
        from psubench.runs.blocks import Blocks

        return Blocks(planned, self.how(options))

    def how(self, options: Any) -> Settings:
        """How blocks are measured."""
        found: Settings = attribute(self.settings)(options)
        return found

    def of(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """The contents of runs of this kind, one after the other."""
        return self.joined(self.each(runs))

    def each(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """The cases or trainings of runs of this kind, nothing joined."""
        read = attribute(self.read)
        return [one for records in runs for one in read(records)]

    def joined(self, found: list[Any]) -> list[Any]:
        """What is shown of cases or trainings."""
        return list(attribute(self.join)(found)) if self.join else found

    def show(self, found: Sequence[Any]) -> None:
        """Prints tables and their conclusions on standard output."""
        from psubench.render import grid

        grid.show(self.shown(found))

    def shown(self, found: Sequence[Any]) -> Sheet:
        """What is shown in every format."""
        sheet: Sheet = attribute(self.sheet)(found)
        return sheet

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """The rows of CSV and JSON."""
        return list(attribute(self.flat)(found) if self.flat else found)

    def to_json(self, found: Sequence[Any]) -> str:
        """The rows as a JSON list."""
        return self.export(found, "json").rstrip("\n")

    def export(self, found: Sequence[Any], format: str) -> str:
        """The rows as csv, json, markdown, latex or another of its formats.

        Raises:
            PsubenchError: this kind of run has no such format.
        """
        from psubench.experiments.written import renamed
        from psubench.render import export, latex

        if format in self.formats:
            return str(attribute(self.formats[format])(self.rows(found))) + "\n"
        if format == "latex":
            return latex.tables(self.shown(renamed(found)), self.results)
        return export.render(
            format, self.row_type, self.rows(found), lambda: self.shown(found), [*self.formats]
        )

    def printed(self, name: str, found: Sequence[Any], named: Named, width: float) -> Printed | str:
        """A figure of the paper, or that it cannot be drawn, and why."""
        from psubench.render.paper import Printed

        made = attribute(self.paper[name])(found, named, width)
        return f"{name} ({made})" if isinstance(made, str) else Printed(name, *made)

    def about(self, found: Sequence[Any], runs: Sequence[Sequence[Record]]) -> dict[str, str]:
        """Name and text of what a caption says of what is shown."""
        made: dict[str, str] = attribute(self.facts)(found, runs)
        return made

    @property
    def results(self) -> str:
        """What its results are called in a paper: as the command that gives them."""
        return [*self.options][-1]

    @property
    def row_type(self) -> type[Struct]:
        """The struct of a row."""
        found: type[Struct] = attribute(self.row)
        return found

    def part(self, runs: Sequence[Sequence[Record]]) -> Part:
        """The part of a report for runs of this kind."""
        made: Part = attribute(self.report)(runs)
        return made

    def drawn(self, found: Sequence[Any]) -> list[tuple[str, Figure]]:
        """Figures by name; empty if nothing can be drawn."""
        return list(attribute(self.figures)(found)) if self.figures else []


def attribute(reference: str) -> Any:
    """What a reference names."""
    module, _, name = reference.partition(":")
    where = module if module.startswith("psubench.") else f"psubench.experiments.{module}"
    return getattr(import_module(where), name)
