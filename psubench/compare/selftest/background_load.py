"""Background load: intermittent work on every core, for `psubench selftest --load`."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

BUSY_SECONDS = (0.05, 3.0)
IDLE_SECONDS = (0.1, 6.0)
_COPIED_BYTES = 16 << 20


@contextmanager
def background_load(seed: int) -> Iterator[None]:
    """Keeps one process per core busy from time to time while inside, a third of the time on average.

    Each busy period computes or copies memory, because both disturb, in different ways. The cores are
    independent of each other.
    """
    command = [sys.executable, "-P", "-m", "psubench.compare.selftest.background_load"]
    workers = [
        subprocess.Popen([*command, f"{seed} {core}"], stdin=subprocess.PIPE, start_new_session=True)
        for core in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def main() -> None:
    """Works intermittently until the parent is gone; the argument is the seed."""
    rng, parent = random.Random(sys.argv[1]), os.getppid()
    while os.getppid() == parent:
        time.sleep(rng.uniform(*IDLE_SECONDS))
        _busy(rng.uniform(*BUSY_SECONDS), copies=rng.random() < 0.5)


def _busy(seconds: float, *, copies: bool) -> None:
    end, memory = time.monotonic() + seconds, bytearray(_COPIED_BYTES if copies else 1)
    while time.monotonic() < end:
        bytes(memory) if copies else sum(range(20_000))


if __name__ == "__main__":
    main()
