"""Everything that a call does, as hashes and counts that are equal in every process on every load."""

from __future__ import annotations

import gc
import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from psubench.devices.process_settings import python_settings, torch_settings
from psubench.measure.subject import Subject
from psubench.measure.work import libraries
from psubench.measure.work.operators import Operators
from psubench.measure.work.python_calls import PythonCalls
from psubench.measure.work.values import Values
from psubench.neurons.calling import set_seed
from psubench.records.fingerprint import Digests, Fingerprint

_VARIABLES = ("MALLOC_", "OMP_", "MKL_", "OPENBLAS_", "GLIBC_", "LD_PRELOAD")


def fingerprint(subject: Subject) -> Fingerprint:
    """Counts the work of a subject, which has not been called: six calls, two of them as they are.

    Every way of counting sees a call on each of both inputs.
    """
    gc.disable()
    threads = set(threading.enumerate())
    with subject.grad_mode():
        call = _Calls(subject.call(), subject.seed)
        results = [call(), call()]  # the first calls fill caches
        python = [PythonCalls(), PythonCalls()]
        operators = [Operators(), Operators()]
        ways: list[AbstractContextManager[Any]] = [*python, *operators]
        results += [call(one) for one in ways]
    state, given = Values(), Values()
    state.add(subject.module)
    given.add((subject.x, subject.other))
    of_libraries, uncounted = libraries.digest()
    outputs = [_hash_of(one) for one in results]
    uncounted += _uncounted(
        outputs, threads, set().union(state.unknown, *(one.values.unknown for one in python))
    )
    first = operators[0]
    return Fingerprint(
        operators=dict(sorted(first.calls.items())),
        allocations=len(first.allocated), allocated_bytes=sum(first.allocated), peak_bytes=first.peak,
        functions=python[0].functions, bytecodes=python[0].bytecodes,
        digests=Digests(
            operators=_joined(one.digest() for one in operators),
            allocations=_joined(one.memory_digest() for one in operators),
            python=_joined(one.digest() for one in python),
            values=_joined([state.digest(), *(one.values.digest() for one in python)]),
            libraries=of_libraries, settings=_settings(), input=given.digest(), output=_joined(outputs[:2]),
        ),
        uncounted=uncounted,
    )  # fmt: skip


def _uncounted(outputs: list[str], threads: set[threading.Thread], unknown: set[str]) -> Iterator[str]:
    """What equal hashes could hide, in words.

    Args:
        outputs: hashes of the results of all calls, on the first and the second input in turn.
        threads: that were there before them.
    """
    if outputs[:2] != outputs[2:4] or outputs[:2] != outputs[4:]:
        yield "its results change from call to call"
    if set(threading.enumerate()) - threads:
        yield "it starts threads that go on"
    if _compiled():
        yield "compiled graphs are not looked into"
    for name in sorted(unknown):
        yield f"it holds {name}, which cannot be looked into"


class _Calls:
    def __init__(self, call: Callable[[], tuple[int, Any]], seed: int) -> None:
        self.call, self.seed = call, seed

    def __call__(self, counting: AbstractContextManager[Any] | None = None) -> Any:
        """The result of the next call; every call draws the same random numbers."""
        set_seed(self.seed)
        with counting or nullcontext():
            result = self.call()
        return result[1]


def _hash_of(result: Any) -> str:
    found = Values()
    found.add(_detached(result))
    return found.digest()


def _detached(result: Any) -> Any:
    if isinstance(result, tuple | list):
        return [_detached(one) for one in result]
    return result.detach() if isinstance(result, Tensor) else result


def _settings() -> str:
    """Of what changes how long the same calls take."""
    found = Values()
    for setting in [*python_settings(), *torch_settings()]:
        if setting.timed:
            found.add((setting.name, setting.read()))
    found.add([gc.get_threshold(), sys.flags.optimize])
    found.add(sorted(item for item in os.environ.items() if item[0].startswith(_VARIABLES)))
    return found.digest()


def _compiled() -> bool:
    """Whether torch.compile has been at work: inside its graphs neither Python nor operators are seen."""
    utils = sys.modules.get("torch._dynamo.utils")
    return utils is not None and bool(utils.counters["stats"] or utils.counters["frames"])


def _joined(digests: Any) -> str:
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
