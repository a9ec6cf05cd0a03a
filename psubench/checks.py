"""A small language for the shape of JSON: what a value must be, and where in it one is not.

A check takes a value and the place where it stands and raises `ShapeError`. Standard library only; a list
of numbers, which may have millions, is checked without a call per number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], None]
LARGEST_INT = 2**63
LARGEST_FLOAT = 1e30
"""No count, time or energy is larger; what is computed from smaller ones stays finite."""
_SHOWN = 40  # letters of a value in an error


class ShapeError(ValueError):
    """A value is not what it must be: its text says which and what."""


def wrong(where: str, expected: str, found: Any) -> ShapeError:
    """The error that a value is not what was expected."""
    text = repr(found)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return ShapeError(f"{where or 'it'} is {text} instead of {expected}")


def a(expected: str, test: Callable[[Any], bool]) -> Check:
    """A check that a value passes a test; `expected` says what it should have been."""

    def check(value: Any, where: str) -> None:
        if not test(value):
            raise wrong(where, expected, value)

    return check


def _number(value: Any) -> bool:
    kind = type(value)
    return (kind is int and abs(value) < LARGEST_INT) or (kind is float and abs(value) < LARGEST_FLOAT)


TEXT = a("text", lambda value: type(value) is str)
FLAG = a("true or false", lambda value: type(value) is bool)
OBJECT = a("an object", lambda value: type(value) is dict)
COUNT = a("a whole number from 0 on", lambda value: type(value) is int and 0 <= value < LARGEST_INT)
POSITIVE_COUNT = a("a whole number from 1 on", lambda value: type(value) is int and 0 < value < LARGEST_INT)
AMOUNT = a("a number from 0 on", lambda value: _number(value) and value >= 0)
POSITIVE = a("a number above 0", lambda value: _number(value) and value > 0)


def numbers(*, least: int) -> Check:
    """A list of numbers, whole or not, from `least` on."""
    expected = f"a list of numbers from {least} on"

    def check(value: Any, where: str) -> None:
        if type(value) is not list:
            raise wrong(where, expected, value)
        if value and not (
            set(map(type, value)) <= {int, float} and min(value) >= least and max(value) < LARGEST_FLOAT
        ):
            raise wrong(where, expected, value)

    return check


def one_of(*known: str) -> Check:
    """One of some words."""
    return a(" or ".join(known), lambda value: type(value) is str and value in known)


def unknown_or(check: Check) -> Check:
    """null, or what passes another check."""
    return lambda value, where: None if value is None else check(value, where)


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with some fields, and others that may be missing; further ones are not looked at."""
    may = optional or {}

    def check(value: Any, where: str) -> None:
        OBJECT(value, where)
        start = f"{where}." if where else ""
        for name, of_field in required.items():
            if name not in value:
                raise ShapeError(f"{start}{name} is missing")
            of_field(value[name], f"{start}{name}")
        for name, of_field in may.items():
            if name in value:
                of_field(value[name], f"{start}{name}")

    return check


def many(check_one: Check, *, least: int = 0) -> Check:
    """A list of at least so many, each of which passes a check."""
    expected = f"a list of {least} or more" if least else "a list"

    def check(value: Any, where: str) -> None:
        if type(value) is not list or len(value) < least:
            raise wrong(where, expected, value)
        for place, one in enumerate(value):
            check_one(one, f"{where}[{place}]")

    return check


def each(check_one: Check) -> Check:
    """An object with any keys, whose values all pass a check."""

    def check(value: Any, where: str) -> None:
        OBJECT(value, where)
        for name, one in value.items():
            check_one(one, f"{where}.{name}")

    return check


def both(first: Check, second: Check) -> Check:
    """One check after the other."""

    def check(value: Any, where: str) -> None:
        first(value, where)
        second(value, where)

    return check
