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
        report: module of `psubench.render.report` with `part`.
        table, exports, plots: modules of `psubench.render` with `show`; `render` and `to_json`; `figures`.
        join: "module:function" from what all runs together hold to what is shown of it; None if that is all.
    """

    name: str
    read: str
    report: str
    table: str
    exports: str
    plots: str
    join: str | None = None

    def of(self, runs: Sequence[Sequence[Record]]) -> list[Any]:
        """What runs of this kind hold, one after the other."""
        found = [one for records in runs for one in _function(self.read)(records)]
        return found if self.join is None else list(_function(self.join)(found))

    def show(self, found: Sequence[Any]) -> None:
        """Prints tables, and what they say, on standard output."""
        _module(self.table).show(found)

    def to_json(self, found: Sequence[Any]) -> str:
        """A JSON list."""
        return str(_module(self.exports).to_json(found))

    def render(self, found: Sequence[Any], format: str) -> str:
        """As csv, json, markdown or latex."""
        return str(_module(self.exports).render(found, format))

    def part(self, runs: Sequence[Sequence[Record]]) -> Part:
        """What a report shows of runs of this kind."""
        made: Part = _module(f"report.{self.report}").part(runs)
        return made

    def figures(self, found: Sequence[Any]) -> list[tuple[str, Figure]]:
        """Figures by name; none where nothing can be drawn."""
        return list(_module(self.plots).figures(found))


_KINDS = (
    Kind("speed", "psubench.experiments.speed.rows:rows", "speed", "table", "export", "plots"),
    Kind("energy", "psubench.experiments.speed.rows:rows", "energy", "table", "export", "plots"),
    Kind(
        "sparsity", "psubench.experiments.sparsity.rows:cases", "sparsity", "activity_table", "activity_export",
        "activity_plots",
    ),
    Kind(
        "training", "psubench.experiments.accuracy.rows:trainings", "training", "accuracy_table", "accuracy_table",
        "accuracy_plots",
        join="psubench.experiments.accuracy.rows:summary",  # the seeds of a neuron may be in several runs
    ),
    Kind("profile", "psubench.experiments.profile.rows:cases", "profile", "profile_table", "profile_export", "profile_plots"),
)  # fmt: skip
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})


def kind_of(records: Sequence[Record]) -> Kind:
    """The kind of a run, by its plan.

    Raises:
        PsubenchError: it is a self-test of `compare`, which plans no cases.
    """
    header = records[0]
    assert isinstance(header, Run)  # as every file begins
    if header.selftest is not None:
        raise PsubenchError(
            "this is the record of a self-test, which has verdicts and no cases",
            "psubench selftest aa (or power) --out DIR --resume prints its rates",
        )
    return KINDS[kind_of_case(header.cases[0].case) if header.cases else "speed"]


def _module(name: str) -> Any:
    return import_module(f"psubench.render.{name}")


def _function(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
