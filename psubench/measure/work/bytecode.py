"""A hash of compiled Python code that documents, line numbers and names of local variables do not change."""

from __future__ import annotations

import dis
import hashlib
import json
from functools import cache
from types import CodeType
from typing import Any

_HAS_DOCSTRING = 0x4000000  # a flag of Python 3.14
_BY_VALUE = frozenset({*dis.hasconst, *dis.hasname, *dis.hascompare})


@cache
def digest(code: CodeType) -> str:
    """Of what the code does. A docstring is a constant that no instruction loads, so it does not count."""
    head = (
        code.co_flags & ~_HAS_DOCSTRING,
        (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
        code.co_exceptiontable.hex(),
    )
    instructions = [
        (one.opname, _constant(one.argval) if one.opcode in _BY_VALUE else one.arg)
        for one in dis.get_instructions(code)
    ]
    return hashlib.sha256(json.dumps([head, instructions]).encode()).hexdigest()


def _constant(value: Any) -> Any:
    """A constant as JSON; 1, 1.0 and True differ."""
    if isinstance(value, CodeType):
        return digest(value)
    if isinstance(value, tuple):
        return [_constant(one) for one in value]
    if isinstance(value, frozenset):  # their order depends on the hash seed
        return sorted(json.dumps(_constant(one)) for one in value)
    return [type(value).__name__, repr(value)]
