"""THE table of kinds of runs: what is planned, measured, read, shown, drawn and exported of each.

A further kind is a folder and a row here. References are those of `Experiment`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError
from psubench.experiments.experiment import Experiment, attribute
from psubench.records.run import Run, kind_of_case

if TYPE_CHECKING:
    from psubench.experiments.axes import Axes
    from psubench.records.structs import Record
    from psubench.render.report.parts import Part

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
        facts="paired.setting:about",
        paper={"figure4": "speed.figure4:printed"},
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
        facts="paired.setting:about",
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
        facts="sparsity.report:about",
        paper={"figure5": "sparsity.figure5:printed"},
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
        facts="accuracy.report:about",
        paper={"accuracy": "accuracy.figures:printed"},
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
        facts="profile.report:about",
    ),
)
KINDS: Mapping[str, Experiment] = MappingProxyType({one.name: one for one in _EXPERIMENTS})
COMMANDS: Mapping[str, Experiment] = MappingProxyType(
    {command: one for one in _EXPERIMENTS for command in one.options}
)
"""Commands that measure or train, each with the kind of its runs."""


def options_of(command: str) -> type[Axes]:
    """The class of a command's options."""
    found: type[Axes] = attribute(COMMANDS[command].options[command])
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


def by_kind(runs: Sequence[Sequence[Record]]) -> dict[str, list[Sequence[Record]]]:
    """The runs of each kind, in their order.

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
    return found


def parts(runs: Sequence[Sequence[Record]]) -> list[Part]:
    """What a report shows of runs of any kinds: a part per kind, in the order of the runs.

    Raises:
        PsubenchError: a run holds no case.
    """
    return [KINDS[kind].part(some) for kind, some in by_kind(runs).items()]
