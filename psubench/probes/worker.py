"""The worker process: reads one job from its input, measures one block, writes events to its output.

Started by `psubench.runner` with its environment set, because thread counts and the allocator are
fixed once torch is imported.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import sys
import threading
from typing import Any

from psubench.record import AGAIN

STATUS_BYTES = 64
"""Size of the status file: number of the entry, stage and serial number of what runs now, padded."""


def main() -> None:
    """Runs the job on standard input. Events are JSON lines on the original standard output."""
    job = json.loads(sys.stdin.buffer.readline())
    # Whatever a plug-in prints must not mix with the events.
    events = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _limit_memory(job.pop("max_memory"), job["case"]["device"])
    status_file = os.open(job.pop("status_file"), os.O_WRONLY)

    def say(event: dict[str, Any]) -> None:
        events.write(json.dumps(event, allow_nan=False).encode() + b"\n")
        events.flush()

    counter = itertools.count()

    numbers = {text: number for number, (_, text) in enumerate(job["entries"])} | {AGAIN: 0}

    def mark(neuron: str, stage: str) -> None:
        # A write to a file, not an event: the parent must not wake up between samples.
        os.pwrite(status_file, f"{numbers[neuron]} {stage} {next(counter)}".ljust(STATUS_BYTES).encode(), 0)

    import torch

    from psubench.probes.speed import Job, Probe, classify

    torch.set_num_threads(job["case"]["threads"])
    try:
        say({"event": "record", "record": Probe(Job(**job), mark, say).run()})
    except Exception as error:  # the worker's border: the input could not be made, the device is gone
        status, message = classify(error)
        say({"event": "lost", "status": status, "message": message})


def _die_with_parent() -> None:
    """The parent never closes our input before it has our record: its end means that it was killed."""
    sys.stdin.buffer.read()
    os._exit(1)


def _limit_memory(max_bytes: int, device: str) -> None:
    """Makes a neuron that allocates without end fail with an error instead of taking the machine down.

    RLIMIT_DATA counts private writable memory. CUDA reserves far more address space than it uses and
    reports its own out-of-memory errors, so there is no limit there.
    """
    if not device.startswith("cuda"):
        resource.setrlimit(resource.RLIMIT_DATA, (max_bytes, max_bytes))


if __name__ == "__main__":
    main()
