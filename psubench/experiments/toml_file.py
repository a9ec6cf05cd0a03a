"""TOML files, and the lines of their keys, which tomllib does not keep."""

from __future__ import annotations

import codecs
import tomllib
from bisect import bisect_left
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from psubench.errors import PsubenchError

_MARKS = {
    codecs.BOM_UTF8: "a byte order mark",
    codecs.BOM_UTF16_LE: "the byte order mark of UTF-16",
    codecs.BOM_UTF16_BE: "the byte order mark of UTF-16",
}


def read(path: Path) -> tuple[str, Mapping[str, Any]]:
    """The text of a TOML file and its values.

    Raises:
        PsubenchError: it cannot be read, is not UTF-8 without a byte order mark, or is not valid TOML.
    """
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or error
        raise PsubenchError(f"cannot read {path}: {reason}", "check the path") from None
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise PsubenchError(
                f"{path}, line 1: it begins with {name}", "save it as UTF-8 without a byte order mark"
            )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise PsubenchError(f"{path}, line {line}: it is not UTF-8", "save it as UTF-8") from None
    try:
        return text, tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib raises it, also for numbers that are too long
        raise PsubenchError(f"{path} is not valid TOML: {error}", "correct that line") from None


def line_of(text: str, path: tuple[str | int, ...]) -> int:
    """The line of a key, or the first line of its table.

    Args:
        text: valid TOML.
        path: keys, and positions in arrays, that lead to it. If the path does not exist, the
            line is that of its innermost part that does; 1 for the file itself.
    """
    content = tomllib.loads(text)
    while path and not _holds(content, path):
        path = path[:-1]
    if not path:
        return 1
    found = statements(text)

    def reached(count: int) -> bool:
        return _holds(tomllib.loads("".join(said for _, said in found[:count])), path)

    return found[bisect_left(range(1, len(found) + 1), True, key=reached)][0]


def statements(text: str) -> list[tuple[int, str]]:
    """Every statement of valid TOML, a heading or a key with its value, with the line where it begins."""
    found, begun, first = [], list[str](), 1
    for number, line in enumerate(text.split("\n"), start=1):
        if not begun:
            first = number
        begun.append(f"{line}\n")
        with suppress(tomllib.TOMLDecodeError):  # a value that continues in the next line
            tomllib.loads("".join(begun))
            found.append((first, "".join(begun)))
            begun = []
    return found


def _holds(content: Any, path: tuple[str | int, ...]) -> bool:
    for key in path:
        try:
            content = content[key]
        except (LookupError, TypeError):
            return False
    return True
