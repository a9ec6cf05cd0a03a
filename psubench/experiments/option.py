"""An option: its help, where it is allowed, and how its text is parsed. Imports nothing slow."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta


class Notation(msgspec.Struct, frozen=True):
    """How a value is written that is not a plain number or string.

    Attributes:
        read: the value of a text; gets the option's name for errors.
        show: the inverse.
    """

    read: Callable[[str, str], Any]
    show: Callable[[Any], str] = str


class Option(msgspec.Struct, frozen=True):
    """What the command line and suites know about a field besides its type, range and default.

    Attributes:
        suite: where it is allowed in a suite: in the table of a command, in [settings], or nowhere.
        command: whether it is an option of the command.
        alias: another spelling on the command line, which the help does not show.
        completes: what a shell completes: a function of `psubench.cli.completion`.
    """

    help: str
    metavar: str = "N"
    notation: Notation | None = None
    suite: Literal["table", "settings"] | None = "table"
    command: bool = True
    alias: str | None = None
    completes: str | None = None


class Declared(NamedTuple):
    """A field of an options class, taken apart.

    Attributes:
        type: without None and without annotations.
        hint: with the annotations that hold its range, for `msgspec.convert`.
    """

    name: str
    type: Any
    hint: Any
    option: Option | None
    meta: Meta | None
    default: Any

    @property
    def notation(self) -> Notation | None:
        """How its texts are parsed, if it is not a plain value."""
        return self.option.notation if self.option else None

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def shown_default(self) -> str | None:
        """The default as it would be typed; None if there is none."""
        if self.default is None:
            return None
        return self.notation.show(self.default) if self.notation else str(self.default)


def taken_apart(hint: Any) -> tuple[Any, Any, Option | None, Meta | None]:
    """Type, hint, option and range of an annotation, without None."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is not Annotated:
        return hint, hint, None, None
    kind, *notes = get_args(hint)
    option = next((note for note in notes if isinstance(note, Option)), None)
    return kind, hint, option, next((note for note in notes if isinstance(note, Meta)), None)


def declared(kind: type) -> Mapping[str, Declared]:
    """The fields of an options class, in their order; every one has a default."""
    defaults = kind()
    hints = get_type_hints(kind, include_extras=True)
    names = [name for name, hint in hints.items() if hasattr(defaults, name) and not _is_constant(hint)]
    return {name: Declared(name, *taken_apart(hints[name]), getattr(defaults, name)) for name in names}


def _is_constant(hint: Any) -> bool:
    return "ClassVar" in str(hint)


def expected(what: Declared) -> str:
    """What a plain value may be, in words: "an integer from 1 to 1000"."""
    if what.type is bool:
        return "true or false"
    if what.type is str:
        return "a string"
    low, high = (what.meta.ge, what.meta.le) if what.meta else (None, None)
    number = "an integer" if what.type is int else "a number"
    if low is None or high is None:
        return number
    return f"{number} from {low:.12g} to {high:.12g}"
