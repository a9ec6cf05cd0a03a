"""A model plug-in is looked at before anything is measured, in a process of its own, which may import torch.

What it says in one line would otherwise be a page of failed rows. What only the worker can tell (another
device, a batch on which the network insists, a crash) is left to the worker.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import cache

from psubench.errors import PsubenchError

SECONDS = 120.0
"""After which it is left to the worker what a plug-in is."""


@dataclass(frozen=True)
class Question:
    """How a plug-in will be measured.

    Attributes:
        model: its text.
        neurons: texts of those that it will be measured with; one that fits is enough.
        T, batch: of its first case.
        step: shape of one step of one sample of the data; None where only the network knows it.
        noise: name of the data where they come in any shape.
        here: whether the processor can call it; else it is only built.
    """

    model: str
    neurons: tuple[str, ...]
    T: int
    batch: int
    step: tuple[int, ...] | None
    noise: str | None
    here: bool


@cache
def brings_neurons(question: Question) -> bool:
    """Whether a plug-in has neurons of its own, once it was built and called with random spikes.

    Raises:
        PsubenchError: it cannot be imported, built or called, or does not call its spiking layers as it must.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "psubench.models.preflight_process", json.dumps(asdict(question))],
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
        said = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, OSError, ValueError, IndexError):
        return False  # it has died or hangs: so will the worker, which has a status for that
    if "what" in said:
        raise PsubenchError(said["what"], said["remedy"])
    return bool(said["own"])
