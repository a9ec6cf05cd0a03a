"""The first record of a run: where, when and with what it was made; and whether another may go on with it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psubench import __version__, plugins, record
from psubench.devices import identity, machine
from psubench.errors import PsubenchError
from psubench.records.run import Planned, Run
from psubench.records.structs import Record


def header(device: str, plugin_kinds: Sequence[str], cases: Sequence[Planned], **known: Any) -> Run:
    """What every kind of run says at its start.

    Args:
        device: as `resolve` gives it.
        plugin_kinds: "module:attribute" of every plug-in in it.
        cases: the plan.
        known: fields of `Run` that the command alone knows.
    """
    started = datetime.now(UTC)
    return Run(
        schema=record.SCHEMA,
        run_id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        started=started.isoformat(timespec="seconds"),
        psubench=__version__,
        argv=sys.argv[1:],
        environment={**machine(), "device": identity(device)},
        plugins={kind: plugins.digest(kind) for kind in plugin_kinds},
        cases=list(cases),
        **known,
    )


def last(records: Sequence[Record]) -> Run:
    """The header of the last run that wrote into a record."""
    return next(one for one in reversed(records) if isinstance(one, Run))


def check_same(what: str, before: Any, now: Any, folder: Path) -> None:
    """Raises PsubenchError, which names the first difference, if a run in `folder` was made otherwise."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in before.keys() | now.keys():
            check_same(f"{what} {key}", before.get(key), now.get(key), folder)
    elif before != now:
        raise PsubenchError(
            f"the run in {folder} was made with {what} {before!r}, this one has {now!r}",
            "samples of both must not mix: choose another --out",
        )


def check_same_where_both(what: str, before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """`check_same` of the entries whose keys are in both."""
    for key in before.keys() & now.keys():
        check_same(f"{what} {key}", before[key], now[key], folder)


def refuse_unless_resumed(folder: Path, *, resume: bool) -> None:
    """Raises PsubenchError where a folder holds a run that nobody asked to continue."""
    if not resume:
        raise PsubenchError(
            f"{folder} holds a run already", "continue it with --resume or choose another --out"
        )
