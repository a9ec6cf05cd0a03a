"""THE table of kinds of runs: what is planned, measured, read, shown, drawn and exported of each.

A reference "module:attribute" is relative to `psubench.experiments` and imported when it is needed, so that
the table costs nothing and no command imports what another needs. A further kind is a folder and a row here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psubench.errors import PsubenchError
from psubench.records.run import Run, kind_of_case

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from msgspec import Struct

    from psubench.experiments.axes import Axes
    from psubench.records.structs import Record
    from psubench.render.grid import Sheet
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
    settings: str = ""
    probe: str = ""
    join: str = ""
    flat: str = ""
    figures: str = ""
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
        return list(_get(self.plan)(options, device))

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
        found: Settings = _get(self.settings)(options)
        return found

    def of(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """The contents of runs of this kind, one after the other."""
        return self.joined(self.each(runs))

    def each(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """The cases or trainings of runs of this kind, nothing joined."""
        read = _get(self.read)
        return [one for records in runs for one in read(records)]

    def joined(self, found: list[Any]) -> list[Any]:
        """What is shown of cases or trainings."""
        return list(_get(self.join)(found)) if self.join else found

    def show(self, found: Sequence[Any]) -> None:
        """Prints tables and their conclusions on standard output."""
        from psubench.render import grid

        grid.show(self.shown(found))

    def shown(self, found: Sequence[Any]) -> Sheet:
        """What is shown in every format."""
        sheet: Sheet = _get(self.sheet)(found)
        return sheet

    def rows(self, found: Sequence[Any]) -> list[Any]:
        """The rows of CSV and JSON."""
        return list(_get(self.flat)(found) if self.flat else found)

    def to_json(self, found: Sequence[Any]) -> str:
        """The rows as a JSON list."""
        return self.export(found, "json").rstrip("\n")

    def export(self, found: Sequence[Any], format: str) -> str:
        """The rows as csv, json, markdown, latex or another of its formats.

        Raises:
            PsubenchError: this kind of run has no such format.
        """
        from psubench.render import export

        if format in self.formats:
            return str(_get(self.formats[format])(self.rows(found))) + "\n"
        return export.render(
            format, self.row_type, self.rows(found), lambda: self.shown(found), [*self.formats]
        )

    @property
    def row_type(self) -> type[Struct]:
        """The struct of a row."""
        found: type[Struct] = _get(self.row)
        return found

    def part(self, runs: Sequence[Sequence[Record]]) -> Part:
        """The part of a report for runs of this kind."""
        made: Part = _get(self.report)(runs)
        return made

    def drawn(self, found: Sequence[Any]) -> list[tuple[str, Figure]]:
        """Figures by name; empty if nothing can be drawn."""
        return list(_get(self.figures)(found)) if self.figures else []


_EXPERIMENTS = (
    Experiment(
        "speed",
        options={"speed": "speed.options:SpeedOptions"},
        plan="speed.plan:blocks",
        settings="settings:timed",
        probe="paired.probe:Probe",
        records=("block", "memory", "fingerprint"),
        read="speed.rows:rows",
        row="speed.rows:SpeedRow",
        sheet="speed.tables:sheet",
        figures="speed.figures:figures",
        report="speed.report:part",
        formats={
            "github-action-benchmark": "speed.tracking_services:to_github_action_benchmark",
            "bencher": "speed.tracking_services:to_bencher",
        },
    ),
    Experiment(
        "energy",
        options={"energy": "energy.options:EnergyOptions"},
        plan="energy.plan:blocks",
        settings="settings:metered",
        probe="energy.probe:EnergyProbe",
        records=("energy",),
        read="energy.rows:rows",
        row="energy.rows:EnergyRow",
        sheet="energy.tables:sheet",
        report="energy.report:part",
    ),
    Experiment(
        "sparsity",
        options={"sparsity": "sparsity.options:SparsityOptions"},
        plan="sparsity.plan:count_blocks",
        settings="settings:once",
        probe="sparsity.probe:ActivityProbe",
        records=("activity",),
        read="sparsity.rows:cases",
        row="sparsity.rows:SparsityRow",
        flat="sparsity.rows:flat",
        sheet="sparsity.tables:sheet",
        figures="sparsity.figures:figures",
        report="sparsity.report:part",
    ),
    Experiment(
        "training",
        options={
            "train": "accuracy.options:TrainOptions",
            "accuracy": "accuracy.options:AccuracyOptions",
        },
        plan="accuracy.plan:trainings",
        records=("training", "trained"),
        read="accuracy.rows:trainings",
        join="accuracy.rows:summary",  # the seeds of a neuron may be in several runs
        row="accuracy.rows:TrainingRow",
        sheet="accuracy.tables:sheet",
        figures="accuracy.figures:figures",
        report="accuracy.report:part",
    ),
    Experiment(
        "profile",
        options={"profile": "profile.options:ProfileOptions"},
        plan="profile.plan:profile_blocks",
        settings="settings:once",
        probe="profile.probe:ProfileProbe",
        records=("profile",),
        read="profile.rows:cases",
        row="profile.rows:ProfileRow",
        flat="profile.rows:rows",
        sheet="profile.tables:sheet",
        figures="profile.figures:figures",
        report="profile.report:part",
    ),
)
KINDS: Mapping[str, Experiment] = MappingProxyType({one.name: one for one in _EXPERIMENTS})
COMMANDS: Mapping[str, Experiment] = MappingProxyType(
    {command: one for one in _EXPERIMENTS for command in one.options}
)
"""Commands that measure or train, each with the kind of its runs."""


def options_of(command: str) -> type[Axes]:
    """The class of a command's options."""
    found: type[Axes] = _get(COMMANDS[command].options[command])
    return found


def kind_of(records: Sequence[Record]) -> Experiment:
    """The kind of a run, by its plan.

    Raises:
        PsubenchError: it is a self-test of `compare`, which plans no cases.
    """
    header = records[0]
    assert isinstance(header, Run)  # every file begins with it
    if header.selftest is not None:
        raise PsubenchError(
            "this is the record of a self-test, which has verdicts and no cases",
            "psubench selftest aa (or power) --out DIR --resume prints its rates",
        )
    return KINDS[kind_of_case(header.cases[0].case) if header.cases else "speed"]


def parts(runs: Sequence[Sequence[Record]]) -> list[Part]:
    """What a report shows of runs of any kinds: a part per kind, in the order of the runs.

    Raises:
        PsubenchError: a run holds no case.
    """
    found: dict[str, list[Sequence[Record]]] = {}
    for run in runs:
        headers = [record for record in run if isinstance(record, Run)]
        case = next((planned.case for header in headers for planned in header.cases), None)
        if case is None:
            raise PsubenchError(
                f"run {headers[0].run_id} planned no case", "give a run that measured something"
            )
        found.setdefault(kind_of_case(case), []).append(run)
    return [KINDS[kind].part(some) for kind, some in found.items()]


def _get(reference: str) -> Any:
    """What a reference names."""
    module, _, name = reference.partition(":")
    where = module if module.startswith("psubench.") else f"psubench.experiments.{module}"
    return getattr(import_module(where), name)
