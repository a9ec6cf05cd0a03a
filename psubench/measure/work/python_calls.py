"""Python code that a call runs: which, how often, how many bytecodes, and the values that it reads."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType, ModuleType
from typing import Any

from psubench.measure.work import bytecode
from psubench.measure.work.values import Values, is_own

_FLAGS = 0x04 | 0x08  # *args and **kwargs
_OWN_FILE = __file__


@dataclass
class PythonCalls:
    """Counts while inside; what it counts runs several times slower.

    Attributes:
        values: arguments and globals of one's own code, not of installed packages: their versions are known.
    """

    values: Values = field(default_factory=lambda: Values(contents=False))
    _found: dict[int, tuple[CodeType, list[int]]] = field(default_factory=dict)
    _local: dict[int, Callable[..., Any]] = field(default_factory=dict)

    def __enter__(self) -> None:
        """Counts in this thread and in those that are started from here on."""
        self._before = sys.gettrace(), threading.gettrace()
        threading.settrace(self._called)
        sys.settrace(self._called)

    def __exit__(self, *_: object) -> None:
        """As it was before."""
        sys.settrace(self._before[0])
        threading.settrace(self._before[1])

    @property
    def functions(self) -> int:
        """Calls of Python functions."""
        return sum(counts[0] for _, counts in self._found.values())

    @property
    def bytecodes(self) -> int:
        """Executed in them."""
        return sum(counts[1] for _, counts in self._found.values())

    def digest(self) -> str:
        """Of the code objects with their counts, wherever they stand and whatever they are called."""
        lines = sorted(f"{bytecode.digest(code)} {counts}" for code, counts in self._found.values())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _called(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if event != "call" or code.co_filename == _OWN_FILE:
            return None
        local = self._local.get(id(code))
        if local is None:
            counts = [0, 0]
            self._found[id(code)] = code, counts
            local = self._local[id(code)] = _counter(counts)
        self._found[id(code)][1][0] += 1
        frame.f_trace_lines, frame.f_trace_opcodes = False, True
        if is_own(code.co_filename):
            self._read(frame)
        return local

    def _read(self, frame: FrameType) -> None:
        """The values that a frame begins with, and the globals that its code names."""
        code, known = frame.f_code, frame.f_locals
        count = code.co_argcount + code.co_kwonlyargcount + (code.co_flags & _FLAGS).bit_count()
        for name in (*code.co_varnames[:count], *code.co_freevars):
            if name in known:
                self.values.add(known[name])
        for name in code.co_names:
            if name in frame.f_globals:
                value = frame.f_globals[name]
                self.values.add(value)
                if isinstance(value, ModuleType) and is_own(getattr(value, "__file__", None) or "<none>"):
                    for attribute in code.co_names:
                        self.values.add(vars(value).get(attribute))


def _counter(counts: list[int]) -> Callable[..., Any]:
    def local(_: FrameType, event: str, __: Any) -> Callable[..., Any]:
        if event == "opcode":
            counts[1] += 1
        return local

    return local
