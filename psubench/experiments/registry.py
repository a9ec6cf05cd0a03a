"""THE table of kinds of runs: how the records of each command are read, shown, exported and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from psubench.errors import PsubenchError
from psubench.records.run import Run, kind_of_case

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from psubench.records.structs import Record
    from psubench.render.report.parts import Part


@dataclass(frozen=True)
class Kind:
    """One kind; its modules are imported when they are needed.

    Attributes:
        name: `kind` of its cases.
        read: "module:function" from the records of one run to a list of what is shown.
        report, table, exports, plots: modules with `part`; `show`; `render` and `to_json`; `figures`.
        join: "module:function" from the contents of all runs to what is shown; None if nothing is joined.
    """

    name: str
    read: str
    report: str
    table: str
    exports: str
    plots: str
    join: str | None = None

    def of(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """The contents of runs of this kind, one after the other."""
        found = [one for records in runs for one in _function(self.read)(records)]
        return found if self.join is None else list(_function(self.join)(found))

    def show(self, found: Sequence[Any]) -> None:
        """Prints tables and their conclusions on standard output."""
        import_module(self.table).show(found)

    def to_json(self, found: Sequence[Any]) -> str:
        """The rows as a JSON list."""
        return str(import_module(self.exports).to_json(found))

    def render(self, found: Sequence[Any], format: str) -> str:
        """The rows as csv, json, markdown or latex."""
        return str(import_module(self.exports).render(found, format))

    def part(self, runs: Sequence[Sequence[Record]]) -> Part:
        """The part of a report for runs of this kind."""
        made: Part = import_module(self.report).part(runs)
        return made

    def figures(self, found: Sequence[Any]) -> list[tuple[str, Figure]]:
        """Figures by name; empty if nothing can be drawn."""
        return list(import_module(self.plots).figures(found))


_HERE = "psubench.experiments"
_KINDS = (
    Kind(
        "speed", f"{_HERE}.speed.rows:rows", report=f"{_HERE}.speed.report",
        table=f"{_HERE}.paired.tables", exports="psubench.render.export", plots=f"{_HERE}.speed.figures",
    ),
    Kind(
        "energy", f"{_HERE}.speed.rows:rows", report=f"{_HERE}.energy.report",
        table=f"{_HERE}.paired.tables", exports="psubench.render.export", plots=f"{_HERE}.speed.figures",
    ),
    Kind(
        "sparsity", f"{_HERE}.sparsity.rows:cases", report=f"{_HERE}.sparsity.report",
        table=f"{_HERE}.sparsity.tables", exports="psubench.render.activity_export",
        plots=f"{_HERE}.sparsity.figures",
    ),
    Kind(
        "training", f"{_HERE}.accuracy.rows:trainings", report=f"{_HERE}.accuracy.report",
        table=f"{_HERE}.accuracy.tables", exports=f"{_HERE}.accuracy.tables",
        plots=f"{_HERE}.accuracy.figures",
        join=f"{_HERE}.accuracy.rows:summary",  # the seeds of a neuron may be in several runs
    ),
    Kind(
        "profile", f"{_HERE}.profile.rows:cases", report=f"{_HERE}.profile.report",
        table=f"{_HERE}.profile.tables", exports="psubench.render.profile_export",
        plots=f"{_HERE}.profile.figures",
    ),
)  # fmt: skip
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})


def kind_of(records: Sequence[Record]) -> Kind:
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


def _function(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
