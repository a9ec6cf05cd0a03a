"""The one error that a user sees: what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

REGRESSION = 1
USAGE = 2
UNCLEAR = 3
CASE_FAILED = 4
NOT_COMPARABLE = 5
INTERNAL = 70
TIMEOUT = 124
INTERRUPTED = 130


MOST = 2_000
"""Largest number of characters of a message that are shown; the record has all of them."""


class PsubenchError(Exception):
    """A mistake in the input or a limit of the machine, reported in one line.

    Args:
        what: the thing that is wrong, with the offending value in it.
        remedy: what the user can do.
        exit_code: exit status of the program when nothing catches the error.
    """

    def __init__(self, what: str, remedy: str, exit_code: int = USAGE) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[type[PsubenchError], tuple[str, str, int]]:
        return type(self), (self.what, self.remedy, self.exit_code)


class NeuronError(PsubenchError, ValueError):
    """A neuron was given a parameter, a shape or a value that its equation does not allow."""


class UnsupportedError(PsubenchError):
    """A neuron or a device cannot do what the case asks for on this machine."""


class WrongError(Exception):
    """The implementation does not compute what it claims to."""


def one_line(text: str) -> str:
    """A text as one line that every terminal shows as it is: unprintable characters are escaped.

    Only the beginning of a long text is kept: exceptions may have megabytes.
    """
    letters = " ".join(text[: 2 * MOST].split())
    left_out = len(text) - MOST if len(letters) > MOST or len(text) > 2 * MOST else 0
    letters = f"{letters[:MOST]} ... (about {left_out:,} more characters)" if left_out else letters
    return "".join(x if x.isprintable() else x.encode("unicode_escape").decode() for x in letters)


def number_of(count: int, word: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count} {word}{'s' * (count != 1)}"


def nearest(word: str, known: Iterable[str]) -> str:
    """'did you mean "lif"? known: if, lif, ...' with the likeliest name first."""
    names = list(known)
    close = [name for name in names if word and name.startswith(word)]
    close += difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return f"{hint}known: {', '.join(names)}"
