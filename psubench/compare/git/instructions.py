"""Instructions of the same cases on two sides, counted by Valgrind's Callgrind in one job on one machine."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import to_builtins

from psubench.compare.callgrind import Instructions, instructions
from psubench.compare.git.git_command import first_reason, own_environment
from psubench.compare.git.imported_from import MODULES, imported
from psubench.compare.git.side import OutOfTimeError, Side
from psubench.devices.worker_environment import MARCH, worker_environment
from psubench.errors import one_line
from psubench.measure.job import Job
from psubench.measure.work.callgrind import COUNTED, OPTIONS

HOST = Path(__file__).with_name("valgrind_host.py")
SPREAD = 1e-3
"""Largest share by which two counts of base may differ, in whose processes everything lies elsewhere."""
LEAST_CORE = 0.7
"""Share of all instructions below which too little is left to tell."""
PADDING = 5000
_ASKED = "asked.json"
_ENVIRONMENT = {
    **worker_environment(1, "cpu"),
    # Blocks come from the one allocator that is left out by name.
    "PYTHONMALLOC": "malloc",
    MARCH: "x86-64-v3",  # Valgrind knows no AVX-512
}


class Counted(NamedTuple):
    """What was counted of some cases.

    Attributes:
        found: by key, the instructions of a call of base and of new.
        missing: by key, why they are not known.
    """

    found: dict[str, tuple[Instructions, Instructions]]
    missing: dict[str, str]


def lacking() -> tuple[str, str] | None:
    """Why nothing can be counted on this machine, and what to do about it; None if it can."""
    machine = f"{platform.system()} on {platform.machine()}"
    if machine != "Linux on x86_64":
        return f"Valgrind counts them on Linux on x86_64, and this is {machine}", "compare on another machine"
    if shutil.which("valgrind") is None or shutil.which("vgdb") is None:
        return "valgrind is not installed", "install it (Debian, Ubuntu: apt install valgrind)"
    return None


def version() -> str:
    """Of Valgrind, as it says it."""
    done = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or f"it ends with exit code {done.returncode}"


def count(base: Side, new: Side, job: Job, folder: Path, deadline: float) -> Counted:
    """Instructions of the cases of a job, base counted in two processes.

    Args:
        folder: gets what is written meanwhile.
        deadline: of `time.monotonic`; then the processes are ended.

    Raises:
        PsubenchError: what was counted is not of the side.
        OutOfTimeError: they were at work when the time was used up.
    """
    keys = [key for key, *_ in job.entries]
    if why := lacking():
        return Counted({}, dict.fromkeys(keys, ": ".join(why)))
    sides = {"base": base, "again": base, "new": new}
    with tempfile.TemporaryDirectory(dir=folder, prefix="valgrind-", ignore_cleanup_errors=True) as temporary:
        where = Path(temporary)
        asked = [_asked(name, side, job, where) for name, side in sides.items()]
        (where / _ASKED).write_text(json.dumps(asked), encoding="utf-8")
        died = _run(base.python, where, deadline)
        read = [_read(where, name) for name in sides]
        for name, side in sides.items():
            if side.origin is not None:
                side.origin.check(imported(where / f"{name}-modules"))
    told = {key: _told(*(one.get(key, died) for one in read)) for key in keys}
    return Counted(
        {key: one for key, one in told.items() if not isinstance(one, str)},
        {key: one for key, one in told.items() if isinstance(one, str)},
    )


def _asked(name: str, side: Side, job: Job, where: Path) -> dict[str, Any]:
    """The arguments of a child of the host."""
    return {
        "folder": str(side.folder),
        "variables": {**side.variables, MODULES: str(where / f"{name}-modules")},
        "written": str(where / name),
        "padding": PADDING if name == "again" else 0,
        "job": to_builtins(job),
        "vgdb": str(where / "vgdb"),
    }


def _run(python: Path, where: Path, deadline: float) -> str:
    """Runs the host to its end; why a case has no count, if one has none."""
    files = [f"--vgdb-prefix={where / 'vgdb'}", f"--callgrind-out-file={where / 'dump'}.%p"]
    command = ["valgrind", *OPTIONS, *files, str(python), "-P", str(HOST), str(where / _ASKED)]
    # Each child adds its own folders; torch comes from where the comparison runs.
    own = {name: text for name, text in own_environment().items() if name != "PYTHONPATH"}
    with (where / "said").open("w+b") as said:
        process = subprocess.Popen(
            command, cwd=where, env={**own, **_ENVIRONMENT}, stdin=subprocess.DEVNULL, stdout=said,
            stderr=said, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise OutOfTimeError from None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # its children too
            process.wait()
        said.seek(0)
        reason = first_reason(said.read().decode(errors="replace"))
    return f"the process that counts ended early: {one_line(reason or 'it said nothing')}"


def _read(where: Path, name: str) -> dict[str, Instructions | str]:
    """By key, what a child has counted, or why it could not; cases that it did not get to are not there."""
    found: dict[str, Instructions | str] = {}
    for file in where.glob(f"{name}.[0-9]*"):
        for line in file.read_text(encoding="utf-8").splitlines():
            key, why, last = json.loads(line)
            found[key] = why or _least(where, file.suffix, last)
    return found


def _least(where: Path, pid: str, last: int) -> Instructions:
    """Of the counted calls of a case, without the first, the one with the fewest core instructions.

    Args:
        pid: of the child, after a dot.
        last: number of the file of its last call.
    """
    paths = (where / f"dump{pid}.{number}" for number in range(last - COUNTED + 2, last + 1))
    return min(instructions(path.read_text(errors="replace").splitlines()) for path in paths)


def _told(
    base: Instructions | str, again: Instructions | str, new: Instructions | str
) -> tuple[Instructions, Instructions] | str:
    """Both sides of a case, or why they tell nothing."""
    if isinstance(base, str) or isinstance(again, str) or isinstance(new, str):
        return next(one for one in (base, again, new) if isinstance(one, str))
    share = min(one.core / one.every for one in (base, new))
    if share < LEAST_CORE:
        return f"only {100 * share:.0f} % of the instructions do not depend on addresses"
    spread = abs(again.core / base.core - 1)
    if spread > SPREAD:
        return f"two counts of base differ by {100 * spread:.1f} %"
    return base, new
