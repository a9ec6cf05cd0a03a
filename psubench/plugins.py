"""The grammar `name(key=value)`, and plug-ins loaded from `module:attribute`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import math
import re
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from psubench.errors import PsubenchError, nearest

Value = bool | int | float | str | None

_WORDS: dict[str, Value] = {"true": True, "false": False, "none": None}
_INT = re.compile(r"[+-]?\d+", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_MOST_DIGITS = 18  # of an integer that torch can hold; a longer one becomes a float
_WORD = re.compile(r"[\w.+-]+")
_PLACES = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_HOW_TO_CALL = "write name or name(key=value, key=value)"


def split_list(text: str) -> list[str]:
    """The pieces of a comma-separated list; commas inside parentheses do not split."""
    pieces, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            break
        if character == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += character
    if depth != 0:
        raise PsubenchError(f'"{text}" has unbalanced parentheses', _HOW_TO_CALL)
    return [piece.strip() for piece in pieces]


def parse_call(text: str) -> tuple[str, dict[str, Value]]:
    """`name(key=value, ...)` as the name and its parameters; without parentheses there are none.

    Values are integers, floats, true, false, none or bare words.
    """
    text = text.strip()
    if not text.endswith(")"):
        if "(" in text:
            raise PsubenchError(f'"{text}" does not end with its closing parenthesis', _HOW_TO_CALL)
        return text, {}
    head, _, inside = text[:-1].rpartition("(")
    if ")" in head + inside or "(" in head:
        raise PsubenchError(f'"{text}" nests or repeats parentheses', _HOW_TO_CALL)
    parameters: dict[str, Value] = {}
    for piece in split_list(inside) if inside.strip() else []:
        key, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not key.isidentifier():
            raise PsubenchError(f'"{text}": "{piece}" is not of the form key=value', _HOW_TO_CALL)
        if key in parameters:
            raise PsubenchError(f'"{text}" gives {key} twice', "keep one of the two")
        parameters[key] = _value(value, text)
    return head.strip(), parameters


def _value(word: str, text: str) -> Value:
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if _INT.fullmatch(word) and len(word) <= _MOST_DIGITS:
        return int(word)
    if _FLOAT.fullmatch(word):
        if math.isinf(float(word)):
            raise PsubenchError(f'"{text}": {word} is too large', "give a finite number")
        return float(word)
    if _WORD.fullmatch(word):
        return word
    raise PsubenchError(
        f'"{text}": "{word}" is not a value', "values are numbers, true, false, none or words"
    )


def show_call(name: str, parameters: tuple[tuple[str, Value], ...]) -> str:
    """The inverse of `parse_call`."""
    inside = ",".join(f"{key}={show_value(value)}" for key, value in parameters)
    return f"{name}({inside})" if inside else name


def show_value(value: Value) -> str:
    """A value as the grammar writes it; parsing it gives a value of the same type."""
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def load(text: str) -> object:
    """The object that `package.module:attribute` or `path/file.py:attribute` names.

    Packages are looked up in the current folder too. Errors: PsubenchError for a missing file or
    module, a module that fails on import, and a missing attribute.
    """
    where, colon, attribute = text.rpartition(":")
    if not colon or not where or not attribute:
        raise PsubenchError(
            f'"{text}" does not name a plug-in', "write package.module:attribute or path/file.py:attribute"
        )
    module = _from_file(where, text) if where.endswith(".py") else _from_package(where, text)
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = [name for name in vars(module) if not name.startswith("_")]
        raise PsubenchError(
            f'plug-in "{text}": {where} has no "{attribute}"', nearest(attribute, public)
        ) from None


def call(make: object, arguments: Mapping[str, object], what: str, at: str, contract: str) -> object:
    """What the user's function or class gives for these arguments.

    Args:
        make: what a plug-in names.
        what, at: words of an error: of the plug-in, and the values that it is called with.
        contract: how such a plug-in is called.

    Raises:
        PsubenchError: it is not callable, does not take the arguments, or raises.
    """
    if not callable(make):
        raise PsubenchError(f"{what} is a {type(make).__name__}", contract)
    try:
        inspect.signature(make).bind(**arguments)
    except TypeError as error:
        raise PsubenchError(f"{what} cannot be called: {one_line(error)}", contract) from None
    except ValueError:  # some builtins have no signature: the call itself will tell
        pass
    try:
        return make(**arguments)
    except PsubenchError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise raised(what, at, error) from error


def raised(what: str, at: str, error: Exception) -> PsubenchError:
    """The error of a plug-in that raised another one; `what` and `at` as for `call`."""
    return PsubenchError(f"{what} with {at} raises {one_line(error)}", "correct it or its parameters")


def check_exists(text: str) -> None:
    """Raises PsubenchError if `path/file.py:attribute` names a file that is not there; imports nothing."""
    where = text.rpartition(":")[0]
    if where.endswith(".py") and not Path(where).is_file():
        raise PsubenchError(
            f'plug-in "{text}": there is no file "{where}" in {Path.cwd()}',
            "check the path, or change to its folder",
        )


def _from_file(where: str, text: str) -> ModuleType:
    check_exists(text)
    path = Path(where).resolve()
    # One module object per file: an attribute and its reference must not come from two copies.
    name = f"psubench_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs: dataclasses and pickle look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _import_failure(text, error) from error
    return module


def _from_package(where: str, text: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(where)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing is not None and (where == missing or where.startswith(f"{missing}.")):
            raise PsubenchError(
                f'plug-in "{text}": there is no module "{missing}"',
                "run from the folder that holds it, install it, or name a file as path/file.py:attribute",
            ) from None
        raise _import_failure(text, error) from error


def is_installed(path: Path) -> bool:
    """Whether a file belongs to the interpreter or its installed packages, wherever those lie."""
    # By name too: PYTHONPATH may hold the packages of another environment than the one that runs.
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return True
    return any(path.is_relative_to(place) for place in _PLACES)


def _import_failure(text: str, error: BaseException) -> PsubenchError:
    return PsubenchError(f'plug-in "{text}" fails on import: {one_line(error)}', "fix it and run again")


def one_line(error: BaseException) -> str:
    """Type and message of an exception without line breaks."""
    try:
        message = " ".join(str(error).split())
    except BaseException:  # a plug-in's own exception may do anything when it is asked for its text
        message = "(its text cannot be read)"
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
