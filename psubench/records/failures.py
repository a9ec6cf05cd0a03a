"""The classifier of failures: an exception, or the death of a process, as a status and one line."""

from __future__ import annotations

import signal

from psubench import plugins
from psubench.errors import NeuronError, PsubenchError, UnsupportedError, WrongError
from psubench.records.bounds import Status

_OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "bad_alloc")
"""Messages of the allocators of the CPU, CUDA and C++; the first two raise a RuntimeError."""

_STAGES = {
    "build": " while it was built or compiled",
    "gate": " while it was compared with its reference",
    "measure": " while it was timed",
    "memory": " while its peak memory was measured",
    "work": " while its work was counted",
    "count": " while its operations were counted",
    "profile": " while it was profiled",
}


def classify(error: BaseException) -> tuple[Status, str]:
    """Status and message of a case that raised."""
    named = plugins.one_line(error)  # an exception of a plug-in may raise when it is asked for its text
    text = named.partition(": ")[2] or named
    if isinstance(error, WrongError):
        return "wrong", text
    if isinstance(error, UnsupportedError | NeuronError):
        return "unsupported", text
    if isinstance(error, PsubenchError):
        return "failed", text
    if isinstance(error, MemoryError) or any(word in text for word in _OUT_OF_MEMORY):
        return "oom", named
    return "failed", named


def cause_of_death(code: int, what: str, said: str = "") -> tuple[Status, str]:
    """Status and message of a case whose process ended without a result.

    Args:
        code: exit code, or the negative number of a signal.
        what: the process, as the message names it.
        said: its last line of output.
    """
    if code == -signal.SIGKILL:
        return "oom", f"{what} was killed by SIGKILL, as the kernel does when memory runs out"
    output = f": {said}" if said else ""
    if code < 0:
        return "failed", f"{what} died of {signal.Signals(-code).name}{output}"
    return "failed", f"{what} ended with exit code {code}{output}"


def timed_out(seconds: float) -> tuple[Status, str]:
    """Status and message of a case whose process has not responded for that long."""
    return "timeout", f"no answer for {seconds:g} s"


def while_at(stage: str) -> str:
    """The stage of a case that its process reported last, as the end of a message."""
    return _STAGES[stage]
