"""From the user's text, on the command line or in a suite, to checked options. A mistake is one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn, TypeVar, get_args, get_origin

import msgspec

from psubench.errors import PsubenchError, nearest
from psubench.experiments.option import Declared, declared, expected
from psubench.runs.case import choice

Options = TypeVar("Options")
Path = tuple[str | int, ...]


class Given(msgspec.Struct, frozen=True):
    """A value as the user wrote it.

    Attributes:
        name: the user's name for the option: "--max-seconds" or "max_seconds".
        where: gives file and line of a path of keys; None for the command line, whose values are texts.
        path: of the value in its file.
    """

    value: Any
    name: str
    where: Callable[[Path], str] | None = None
    path: Path = ()

    def fail(self, what: str, remedy: str) -> NoReturn:
        """Raises an error for the mistake, with its place."""
        place = f"{self.where(self.path)}: " if self.where else ""
        raise PsubenchError(f"{place}{what}", remedy) from None

    @property
    def shown(self) -> str:
        """Name and value as they were written, if they are short."""
        return (
            f"{self.name} {self.value}"[:100] if self.where is None else f"{self.name} = {self.value!r}"[:100]
        )

    @property
    def text(self) -> str:
        """The value as it would stand on the command line: lists of a suite are joined by commas."""
        parts = self.value if isinstance(self.value, list) else [self.value]
        if not parts or any(isinstance(part, bool) or not isinstance(part, str | int) for part in parts):
            self.fail(self.shown, "give a string, an integer or a list of them")
        return ",".join(map(str, parts))

    @property
    def table(self) -> Mapping[str, Given]:
        """The values of a table."""
        if not isinstance(self.value, dict):
            heading = ".".join(key for key in self.path if isinstance(key, str))
            self.fail(self.shown, f"{self.name} is a table: write [{heading}] above its values")
        return {key: Given(value, key, self.where, (*self.path, key)) for key, value in self.value.items()}


def read_options(kind: type[Options], given: Mapping[str, Given]) -> Options:
    """The options of a command, or a table within them, with every value checked.

    Args:
        given: by the names of the fields; missing ones have their defaults.

    Raises:
        PsubenchError: an unknown key or a value out of range; the message names the option, or file and line.
    """
    known = declared(kind)
    for key, value in given.items():
        if key not in known:
            value.fail(f'unknown key "{key}"', nearest(key, known))
    return kind(**{key: _value(known[key], value) for key, value in given.items()})


def _value(what: Declared, given: Given) -> Any:
    if what.notation is not None:
        text = given.text
        try:
            return what.notation.read(text, given.name)
        except PsubenchError as error:
            given.fail(error.what, error.remedy)
    if isinstance(what.type, type) and issubclass(what.type, msgspec.Struct):
        return read_options(what.type, given.table)
    if get_origin(what.type) is Literal:
        return _word(given, get_args(what.type))
    if get_origin(what.type) is not None:
        return _parameters(given)
    try:
        return msgspec.convert(given.value, what.hint, strict=given.where is not None)
    except msgspec.ValidationError:
        given.fail(given.shown, f"{given.name} takes {expected(what)}")


def _word(given: Given, known: tuple[str, ...]) -> str:
    if not isinstance(given.value, str):
        given.fail(given.shown, nearest("", known))
    try:
        return choice(given.value, known, given.name)
    except PsubenchError as error:
        given.fail(error.what, error.remedy)


def _parameters(given: Given) -> dict[str, Any]:
    """Parameters of neurons, each known to at least one; a neuron checks the range when it is built."""
    from psubench.neurons import TABLE

    known = tuple(dict.fromkeys(key for spec in TABLE.values() for key in spec.parameters))
    for key, one in given.table.items():
        if key not in known:
            one.fail(f'no neuron has a parameter "{key}"', nearest(key, known))
        if not isinstance(one.value, bool | int | float | str):
            one.fail(one.shown, f"{key} is a number or a word")
    return dict(given.value)
