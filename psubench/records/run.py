"""The first record of a run, which is its plan, and the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Meta, Struct

from psubench.records.bounds import Count, Positive


class _NetworkCase(Struct, frozen=True, kw_only=True):
    neuron: str
    implementation: str
    model: str
    data: str
    T: Positive
    batch: Positive
    size: Positive | None
    device: str
    dtype: str
    phase: Literal["infer", "train"]
    mode: str
    threads: Positive


class SpeedCase(_NetworkCase, frozen=True, kw_only=True, tag_field="kind", tag="speed"):
    """A case that is timed."""


class EnergyCase(_NetworkCase, frozen=True, kw_only=True, tag_field="kind", tag="energy"):
    """A case whose joules are measured."""


class ProfileCase(_NetworkCase, frozen=True, kw_only=True, tag_field="kind", tag="profile"):
    """A case that is profiled."""


class SparsityCase(_NetworkCase, frozen=True, kw_only=True, tag_field="kind", tag="sparsity"):
    """A case whose operations are counted.

    Attributes:
        weights: "untrained", "checkpoint PATH", or "epochs N".
    """

    samples: Positive
    weights: str
    energy_model: str
    first_layer: str
    pooling: str


class TrainingCase(Struct, frozen=True, kw_only=True, tag_field="kind", tag="training"):
    """A training.

    Attributes:
        recipe: as `training.recipe.Recipe` gives it; readers rely on `epochs` and `eval_samples`.
    """

    model: str
    data: str
    neuron: str
    implementation: str
    T: Positive
    recipe: dict[str, Any]
    seed: Count
    device: str
    threads: Positive

    def __post_init__(self) -> None:
        for name in ("epochs", "eval_samples"):
            value = self.recipe.get(name)
            if type(value) is not int or value < 1:
                raise ValueError(f"recipe.{name} is {value!r:.40} instead of a positive integer")


Case = SpeedCase | EnergyCase | ProfileCase | SparsityCase | TrainingCase


def case_of(canonical: Mapping[str, Any]) -> Case:
    """The case with these fields and values, as `canonical` of a planned case returns them.

    Raises:
        msgspec.ValidationError: they are not those of a case.
    """
    return cast("Case", msgspec.convert(canonical, Case))


def kind_of_case(case: Case) -> str:
    """The kind of a case, as written in the record."""
    return str(case.__struct_config__.tag)


class Planned(Struct, frozen=True, kw_only=True):
    """One case of the plan.

    Attributes:
        reference: key of the case that it is compared with; trainings have none.
        skip: why it is not run.
        note: how its input is made.
    """

    key: str
    case: Case
    label: str
    reference: str | None = None
    skip: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if self.reference is None and not isinstance(self.case, TrainingCase):
            raise ValueError("reference is missing")


class Run(Struct, frozen=True, kw_only=True, tag_field="type", tag="run"):
    """Begins a run or continues it.

    Attributes:
        environment: machine, versions and device; null is unknown.
        plugins: SHA-256 of each plug-in's file and of what it imports within its project.
        checkpoints: SHA-256 of the weights that were read, by their paths.
        worker_environment: variables that were set before torch was imported.
        measured_by: hash of the code that builds, checks and times, without its documents; None where no work
            is counted.
        command: "train" or "accuracy".
        selftest: options of a self-test, which plans no cases.
    """

    schema: Count
    run_id: str
    cases: list[Planned]
    started: str | None = None
    psubench: str | None = None
    argv: list[str] = []
    seed: Count | None = None
    settings: dict[str, Any] = {}
    environment: dict[str, Any] = {}
    plugins: Annotated[dict[str, str | None], Meta(description="SHA-256 of each plug-in's file")] = {}
    checkpoints: Annotated[dict[str, str | None], Meta(description="SHA-256 of weights by path")] = {}
    worker_environment: dict[str, Any] = {}
    measured_by: str | None = None
    command: str | None = None
    selftest: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        keys = {planned.key for planned in self.cases}
        for place, planned in enumerate(self.cases):
            if type(planned.case) is not type(self.cases[0].case):
                kinds = [kind_of_case(one.case) for one in (planned, self.cases[0])]
                raise ValueError(f"cases[{place}].case.kind is {kinds[0]} instead of {kinds[1]}")
            if planned.reference is not None and planned.reference not in keys:
                raise ValueError(f"cases[{place}].reference is not the key of a case")


class End(Struct, frozen=True, kw_only=True, tag_field="type", tag="end"):
    """Ends a run."""

    status: Literal["complete", "interrupted"]
