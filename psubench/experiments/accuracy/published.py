"""Accuracies that others have published, each with its source. They are shown beside what was measured,
in a table of their own, and are never part of a mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Published(NamedTuple):
    """One published accuracy, a fraction; networks and recipes are those of the source."""

    data: str
    neuron: str
    T: int | None
    accuracy: float
    source: str


_PSN_LOGS = "PSN, Fang et al. 2023, official training logs"
_MULFREE = "quoted from mul-free PSN, arXiv:2501.14490"
_PMSN = "PMSN, Chen et al. 2024, arXiv:2408.14917"
_SEQUENTIAL = {
    "lif": (81.50, 55.45, _PSN_LOGS),
    "lif-noreset": (79.50, 53.33, _PSN_LOGS),
    "plif": (83.49, 57.55, _PSN_LOGS),
    "glif": (83.66, 58.92, _PSN_LOGS),
    "psn": (88.45, 62.21, _PSN_LOGS),
    "masked-psn": (85.81, 60.69, _PSN_LOGS),
    "sliding-psn": (86.70, 62.11, _PSN_LOGS),
    "mulfree-psn": (91.17, 66.21, "arXiv:2501.14490"),
    "pmsn": (90.97, 66.08, _PMSN),
}

NUMBERS: tuple[Published, ...] = (
    *(Published("seqcifar10", name, 32, ten / 100, source) for name, (ten, _, source) in _SEQUENTIAL.items()),
    *(
        Published("seqcifar100", name, 32, hundred / 100, source)
        for name, (_, hundred, source) in _SEQUENTIAL.items()
    ),
    Published("cifar10", "psn", 4, 0.9532, "arXiv:2304.12760"),
    Published("cifar10-dvs", "sliding-psn", 4, 0.823, "arXiv:2304.12760, k=2"),
    Published("cifar10-dvs", "sliding-psn", 8, 0.853, "arXiv:2304.12760, k=2"),
    Published("cifar10-dvs", "sliding-psn", 10, 0.859, "arXiv:2304.12760, k=2"),
    Published("shd", "rpsu", None, 0.9249, f"{_MULFREE} (four-layer FC + RPSU)"),
    Published("shd", "pmsn", None, 0.9510, _PMSN),
)


def on(data: Iterable[str]) -> list[Published]:
    """What was published on these data sets."""
    names = set(data)
    return [number for number in NUMBERS if number.data in names]
