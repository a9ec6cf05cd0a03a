"""The columns of a profile: of a call of every case, and of the operators of one. Everything is per call."""

from __future__ import annotations

from functools import partial

from psubench.experiments.profile.rows import ProfileRow
from psubench.render.column import Column, plain, scaled
from psubench.render.numbers import BYTES, SECONDS, Units, count, share, significant

_CALLS, _OPERATORS = ("calls",), ("operators",)
_BOTH = ("calls", "operators")
_NUMBER = partial(significant, most=3)


class Call(ProfileRow, kw_only=True, frozen=True):
    """A call of a case, under a name that tells it from the others, with the share of every role."""

    label: str
    neuron_share: float | None
    synapse_share: float | None
    other_share: float | None
    unattributed_share: float | None

    def of_role(self, role: str) -> float | None:
        """The share of the time of a call."""
        share: float | None = getattr(self, f"{role}_share")
        return share


def _sized(name: str, head: str, tables: tuple[str, ...], units: Units, group: str) -> Column:
    """All times of a table have one unit, as have all sizes of memory."""
    return Column(name, head, tables=tables, scale=scaled(units, name, _NUMBER, group), right=True)


def _time(name: str, head: str, *tables: str) -> Column:
    return _sized(name, head, tables, SECONDS, "time")


def _memory(name: str, head: str, *tables: str) -> Column:
    return _sized(name, head, tables, BYTES, "memory")


def _role(role: str, head: str) -> Column:
    def text(row: Call) -> str:
        return share(row.of_role(role))

    return Column(f"{role}_share", head, text, _CALLS, right=True)


COLUMNS: tuple[Column, ...] = (
    Column("name", "operator", plain("name"), _OPERATORS, breaks=True, names_row=True),
    Column("role", "in", plain("role"), _OPERATORS),
    Column("events", "calls", lambda row: count(row.events), _OPERATORS, right=True),
    Column("label", "neuron", plain("label"), _CALLS, breaks=True, names_row=True),
    _time("time_s", "time", *_BOTH),
    _time("total_s", "with\ninner", *_OPERATORS),
    Column("share", "share", lambda row: share(row.share), _OPERATORS, right=True),
    _time("bare_s", "without\nprofiler", *_CALLS),
    _role("neuron", "in\nneurons"),
    _role("synapse", "in\nsynapses"),
    _role("other", "in\nothers"),
    _role("unattributed", "not\nknown"),
    Column(
        "launches_per_step",
        "launches\nper step",
        lambda row: count(row.launches_per_step),
        _CALLS,
        right=True,
    ),
    _memory("kept_bytes", "memory", *_OPERATORS),
    _memory("peak_memory_bytes", "peak", *_CALLS),
)  # fmt: skip


def shown(table: str) -> list[Column]:
    """The columns of the table of `calls` or of `operators`, in their order."""
    return [column for column in COLUMNS if table in column.tables]
