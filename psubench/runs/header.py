"""The first record of a run: where, when and with what it was made; and whether another may go on with it."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psubench import __version__
from psubench.devices import identity, machine, worker_environment
from psubench.errors import PsubenchError
from psubench.records import jsonl, origins
from psubench.records.run import Planned, Run
from psubench.records.structs import Record
from psubench.runs import plugin_sources


def header(
    device: str,
    plugin_kinds: Sequence[str],
    cases: Sequence[Planned],
    checkpoints: Sequence[str] = (),
    threads: int | None = None,
    **known: Any,
) -> Run:
    """What every kind of run says at its start.

    Args:
        device: as `resolve` gives it.
        plugin_kinds: "module:attribute" of every plug-in in it, and files of prices.
        cases: the plan.
        checkpoints: paths of the weights that are read.
        threads: of each worker; None where there is none.
        known: fields of `Run` that the command alone knows.
    """
    started = datetime.now(UTC)
    return Run(
        schema=jsonl.SCHEMA,
        run_id=f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        started=started.isoformat(timespec="seconds"),
        psubench=__version__,
        argv=sys.argv[1:],
        environment={**machine(), "device": identity(device)},
        plugins={kind: plugin_sources.digest(kind) for kind in plugin_kinds},
        checkpoints={path: plugin_sources.weights_digest(Path(path)) for path in checkpoints},
        worker_environment={} if threads is None else worker_environment(threads, device),
        cases=list(cases),
        **known,
    )


def check_resumable(records: Sequence[Record], now: Run, folder: Path) -> None:
    """Raises PsubenchError, which names the first difference, if a run in `folder` was made otherwise.

    Every earlier run is asked, not the last alone: each may have had plug-ins that the others lack.
    """
    for before in (one for one in records if isinstance(one, Run)):
        apart = origins.difference(before, now)
        if apart is not None:
            what, then, here = apart
            raise PsubenchError(
                f"the run in {folder} was made with {what} {then!r}, this one has {here!r}",
                "samples of both must not mix: choose another --out",
            )
