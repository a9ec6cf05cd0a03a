"""How a process under Callgrind says which calls are counted: by C functions that nothing else calls.

So neither a compiler nor Valgrind's headers are needed, and what is counted is exactly the call.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

WARM_UP, COUNTED = 10, 4
"""Calls of each case: those that fill caches, then those that are counted; the first still fills some."""
BEGIN, END = "getsid", "ctermid"
OPTIONS = (
    "-q", "--tool=callgrind", "--instr-atstart=no", f"--zero-before={BEGIN}", f"--dump-before={END}",
    "--collect-systime=yes", "--separate-recs=1", "--dump-line=no",
    "--demangle=no", "--vgdb-poll=100", "--vex-iropt-level=1",
    # Else a child could not be spoken to; what it starts, such as a compiler, runs as it is.
    "--trace-children=yes", "--trace-children-skip=*",
)  # fmt: skip


def switch_on(vgdb: str) -> None:
    """Begins to count instructions in this process, which is slow: after everything has been imported.

    Args:
        vgdb: what the paths of Valgrind's pipes begin with.

    Raises:
        OSError: Valgrind does not answer.
    """
    asked = [f"--vgdb-prefix={vgdb}", f"--pid={os.getpid()}", "--wait=10", "--max-invoke-ms=0"]
    process = subprocess.Popen(
        ["vgdb", *asked, "instrumentation", "on"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        time.sleep(0.005)  # Valgrind looks for messages between two blocks of instructions
    if process.returncode:
        raise OSError("vgdb cannot reach the process that counts")


@dataclass
class Dumps:
    """Calls that were counted; Callgrind writes a file for each, numbered from 1.

    Attributes:
        count: how many so far.
    """

    count: int = 0

    def of(self, call: Callable[[], object]) -> None:
        """Calls it and counts it."""
        os.getsid(0)
        call()
        os.ctermid()
        self.count += 1
