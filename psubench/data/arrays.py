"""Numpy arrays in pickles of any Python and any numpy, loaded without running anything that a pickle names.

A pickle makes an array by calling numpy: it names a function, gives it arguments, and hands the array a
state. Here recorders stand in for those names, and arrays are made afterwards from what they recorded, each
value checked. Every other name is refused, and so are sizes that the file does not have.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NUMBER = re.compile(r"[iuf][1248]", re.ASCII)
_REFUSED = {
    "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID",
    "NEXT_BUFFER", "READONLY_BUFFER", "EMPTY_SET", "ADDITEMS", "FROZENSET",
}  # fmt: skip
_MOST_TUPLES = 20_000
"""In one pickle. Python hashes nested ones by recursion and crashes if they are nested too deeply; 10,000
numpy numbers take one each."""


def load(content: bytes) -> Any:
    """What a pickle holds: dictionaries, lists, texts, numbers and `Array`.

    Raises:
        pickle.UnpicklingError: it asks for something else. A broken pickle may raise anything.
    """
    _check(content)
    return _Arrays(io.BytesIO(content), encoding="bytes").load()


def _check(content: bytes) -> None:
    """Reads all operations without executing them: every length is checked against the file."""
    tuples = 0
    for operation, argument, _ in pickletools.genops(content):
        tuples += operation.name.startswith("TUPLE")
        if operation.name in _REFUSED or tuples > _MOST_TUPLES:
            raise pickle.UnpicklingError("builds something other than arrays and lists: do not trust it")
        if operation.name in {"PUT", "BINPUT", "LONG_BINPUT"} and (argument or 0) > len(content):
            raise pickle.UnpicklingError(f"remembers something under {argument}")


class Type:
    """The type of an array: an integer or a floating-point number."""

    def __init__(self, code: Any, _align: Any = False, _copy: Any = True) -> None:
        text = code.decode("latin1") if isinstance(code, bytes) else code
        if not isinstance(text, str) or not _NUMBER.fullmatch(text):
            raise pickle.UnpicklingError(f"holds an array of type {code!r:.40}")
        self.numpy = np.dtype(text)

    def __setstate__(self, state: Any) -> None:
        """Takes the byte order, the only information in the state of a number."""
        order = state[1].decode("latin1") if isinstance(state[1], bytes) else state[1]
        if order not in ("|", "<", ">", "=") or any(part is not None for part in state[2:5]):
            raise pickle.UnpicklingError(f"holds an array of type {state!r:.80}")
        self.numpy = np.dtype(f"{order}{self.numpy.str[1:]}")


class Array:
    """An array as a pickle describes it."""

    values: NDArray[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        """Takes version, shape, type, whether columns come first, and the bytes."""
        _, shape, kind, columns_first, content = state
        self.values = _made(content, kind, shape, "F" if columns_first else "C")


class _Name:
    """Stands for a function of numpy; takes no state, which would change it."""

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *arguments: Any) -> Any:
        return self.call(*arguments)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("gives a state to a function")


def _made(content: Any, kind: Any, shape: Any, order: Any) -> NDArray[Any]:
    right = isinstance(kind, Type) and isinstance(content, bytes | bytearray) and order in ("C", "F")
    if not right or not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise pickle.UnpicklingError("builds something other than an array")
    if math.prod(shape) * kind.numpy.itemsize != len(content):
        raise pickle.UnpicklingError(f"holds {len(content)} bytes for an array of shape {list(shape)}")
    return np.frombuffer(content, kind.numpy).reshape(shape, order=order)


def _begun(kind: Any, shape: Any, _code: Any) -> Array:
    if kind is not _ARRAY or tuple(shape) != (0,):
        raise pickle.UnpicklingError("builds something other than an array")
    return Array()


def _from_buffer(content: Any, kind: Any, shape: Any, order: Any) -> Array:
    array = Array()
    array.values = _made(content, kind, shape, order)
    return array


def _scalar(kind: Any, content: Any) -> int | float:
    value: int | float = _made(content, kind, (), "C").item()
    return value


def _bytes(text: Any = "", encoding: Any = "latin1") -> bytes:
    """How protocols below 3 write bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", b"latin1"):
        raise pickle.UnpicklingError("encodes something other than bytes")
    return text.encode("latin1")


def _refuse(*_: Any) -> Any:
    raise pickle.UnpicklingError("builds something other than an array")


_ARRAY = _Name(_refuse)
_MEANT = {
    ("numpy.core.multiarray", "_reconstruct"): _Name(_begun),
    ("numpy.core.multiarray", "scalar"): _Name(_scalar),
    ("numpy.core.numeric", "_frombuffer"): _Name(_from_buffer),
    ("numpy", "ndarray"): _ARRAY,
    ("numpy", "dtype"): _Name(Type),
    ("_codecs", "encode"): _Name(_bytes),
    ("__builtin__", "bytes"): _Name(_bytes),
    ("builtins", "bytes"): _Name(_bytes),
}


class _Arrays(pickle.Unpickler):
    """Looks up only the names by which numpy pickles arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name."""
        asked = (module.replace("numpy._core", "numpy.core"), name)
        if asked not in _MEANT:
            raise pickle.UnpicklingError(
                f"asks for {module}.{name}, which no CIFAR file needs: do not trust it"
            )
        return _MEANT[asked]


def whole_numbers(values: Any) -> NDArray[np.int64] | None:
    """A list or array [N] of integers; None for anything else."""
    if isinstance(values, Array):
        kept = values.values
        if kept is None or kept.ndim != 1 or kept.dtype.kind not in "iu" or (kept > 2**62).any():
            return None
        return kept.astype(np.int64)
    if not isinstance(values, list) or not all(type(n) is int and abs(n) < 2**62 for n in values):
        return None
    return np.array(values, np.int64)
