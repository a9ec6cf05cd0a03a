"""Which cases may fail a comparison: the patterns of `--gate` and the words that they are matched with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import translate
from functools import cache
from typing import Any

from psubench.errors import PsubenchError, nearest
from psubench.plugins import split_list

ALL = ("*",)
_IN_A_WORD = r"[\w-]"


def case_name(label: str, case: Mapping[str, Any]) -> str:
    """A case in words: `psu train T=32 batch=16 size=256 spoken-digits float32 cpu`."""
    axes = [f"{axis}={case[axis]}" for axis in ("T", "batch", "size") if axis in case]
    words = [str(case[field]) for field in ("model", "data", "dtype", "device", "mode") if field in case]
    return " ".join([label, str(case.get("phase", "")), *axes, *words])


def parse_gate(text: str) -> list[str]:
    """The patterns of `--gate`; commas inside parentheses do not split.

    Raises:
        PsubenchError: one of them is empty.
    """
    patterns = split_list(text)
    if not all(patterns):
        raise PsubenchError(f'--gate "{text}" has an empty pattern', 'name cases as in "psu train,lif*T=32"')
    return patterns


def matches(name: str, pattern: str) -> bool:
    """Whether a pattern of `fnmatch` matches whole words of a name: psu fits `psu@scan`, not `ipsu`."""
    return _expression(pattern).search(name) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    inner = translate(pattern).removesuffix(r"\Z").removesuffix(r"\z")
    before = "" if pattern[0] in "*?[" or not re.match(_IN_A_WORD, pattern[0]) else f"(?<!{_IN_A_WORD})"
    after = "" if pattern[-1] in "*?]" or not re.match(_IN_A_WORD, pattern[-1]) else f"(?!{_IN_A_WORD})"
    return re.compile(f"{before}{inner}{after}")


def check_gate(gate: Sequence[str], names: Iterable[str]) -> None:
    """Refuses a pattern that matches no case: it would gate nothing, and everything would pass.

    Raises:
        PsubenchError: with the nearest word that some case has.
    """
    every = list(names)
    for pattern in gate:
        if pattern not in ALL and not any(matches(name, pattern) for name in every):
            known = dict.fromkeys(name.split(" ")[0] for name in every)
            first = pattern.split(" ")[0]
            words = dict.fromkeys(word for name in every for word in name.split())
            raise PsubenchError(
                f'--gate "{pattern}" matches no case', nearest(first, known if first not in words else words)
            )
