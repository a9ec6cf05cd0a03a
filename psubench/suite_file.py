"""Suites: measurements as TOML files, read strictly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from psubench.errors import PsubenchError, nearest
from psubench.neurons import parse
from psubench.plan import SPEED, speed_blocks
from psubench.suite import Block, Entry, parse_range

VERSION = 1
SETTINGS: Mapping[str, type | tuple[type, ...]] = {
    "processes": int, "precision": str, "max_seconds": (int, float), "timeout": (int, float),
    "max_memory": str, "threads": int, "seed": int, "memory": bool,
}  # fmt: skip
_TOP = ("version", "title", "settings", "speed", "skip")
_MATCHES = ("neuron", "model", "data", "T", "batch", "size", "phase", "mode", "dtype")
_RANGES = ("T", "batch", "size")


@dataclass(frozen=True)
class Suite:
    """What a suite asks for.

    Attributes:
        name: of the file, without its ending.
        settings: as the file gives them, by the names of the options with underscores.
        tables: the options of each `[[speed]]`.
    """

    path: Path
    settings: Mapping[str, Any]
    tables: Sequence[Mapping[str, str]]
    skips: Sequence[Mapping[str, str]]
    text: str

    @property
    def name(self) -> str:
        """Short name, for folders."""
        return self.path.stem

    def blocks(self, device: str, threads: int) -> list[Block]:
        """The blocks of all tables; cases that a `[[skip]]` names hold its reason.

        Raises:
            PsubenchError: a value means nothing; it names file and line.
        """
        made: list[Block] = []
        for number, table in enumerate(self.tables):
            try:
                made += speed_blocks(table, device, threads, prefix="")
            except PsubenchError as error:
                self._fail("speed", number, _key_in(error.what, table), error.what, error.remedy)
        keys = [entry.case.key for block in made for entry in block.entries]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            case = next(e.case for b in made for e in b.entries if e.case.key == twice)
            raise PsubenchError(
                f"{self.path}: {case.neuron} on {case.model} with T = {case.T} stands in two tables",
                "leave one of them out",
            )
        for number, skip in enumerate(self.skips):
            made = self._without(made, number, skip)
        return made

    def _without(self, blocks: Sequence[Block], number: int, skip: Mapping[str, str]) -> list[Block]:
        try:
            tests = [_test(key, word) for key, word in skip.items() if key != "reason"]
        except PsubenchError as error:
            self._fail("skip", number, _key_in(error.what, skip), error.what, error.remedy)
        reason, hits = skip["reason"], 0
        made = []
        for block in blocks:
            entries = []
            for entry in block.entries:
                hit = all(test(entry) for test in tests)
                hits += hit
                entries.append(replace(entry, skip=reason) if hit else entry)
            made.append(Block(tuple(entries)))
        if not hits:
            self._fail("skip", number, None, "it matches no case", "mend it or take it out")
        return made

    def _fail(self, table: str, number: int, key: str | None, what: str, remedy: str) -> NoReturn:
        where = _line(self.text, table, number, key)
        raise PsubenchError(f"{self.path}, line {where}, [[{table}]]: {what}", remedy) from None


def read(path: Path) -> Suite:
    """A suite, with every key checked; values are checked by `Suite.blocks`.

    Raises:
        PsubenchError: no such file, no TOML, another version, an unknown key or a value of another type.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise PsubenchError(f"cannot read {path}: {error.strerror}", "give the path of a suite") from None
    except (ValueError, RecursionError) as error:  # what tomllib raises, for numbers too long as well
        raise PsubenchError(f"{path} is no TOML: {error}", "mend that place") from None
    check = _Checker(path, text)
    check.keys("", 0, content, _TOP)
    if content.get("version") != VERSION:
        check.fail("", 0, "version", f"version = {content.get('version')!r}", f"write version = {VERSION}")
    settings = content.get("settings", {})
    check.table("settings", settings)
    check.keys("settings", 0, settings, SETTINGS)
    for key, value in settings.items():
        if not isinstance(value, SETTINGS[key]) or isinstance(value, bool) != (SETTINGS[key] is bool):
            check.fail("settings", 0, key, f"{key} = {value!r}", "give it as on the command line")
    if not content.get("speed"):
        check.fail("", 0, None, "there is no [[speed]], so nothing to run", "add one")
    tables = [check.words("speed", n, t, tuple(SPEED)) for n, t in check.array("speed", content)]
    skips = [check.words("skip", n, t, (*_MATCHES, "reason")) for n, t in check.array("skip", content)]
    for number, skip in enumerate(skips):
        if not skip.get("reason") or len(skip) < 2:
            check.fail("skip", number, None, "it needs a reason and what to skip", 'add reason = "..."')
    return Suite(path, settings, tables, skips, text)


@dataclass(frozen=True)
class _Checker:
    path: Path
    text: str

    def fail(self, table: str, number: int, key: str | None, what: str, remedy: str) -> NoReturn:
        raise PsubenchError(f"{self.path}, line {_line(self.text, table, number, key)}: {what}", remedy)

    def table(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            self.fail("", 0, name, f"{name} is a {type(value).__name__}", f"write [{name}] above its keys")

    def array(self, name: str, content: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
        tables = content.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.fail("", 0, name, f"{name} is no array of tables", f"write [[{name}]] above its keys")
        return list(enumerate(tables))

    def keys(self, table: str, number: int, given: Mapping[str, Any], known: Any) -> None:
        for key in given:
            if key not in known:
                self.fail(table, number, key, f'unknown key "{key}"', nearest(key, known))

    def words(
        self, table: str, number: int, given: Mapping[str, Any], known: Sequence[str]
    ) -> dict[str, str]:
        """The values as they would stand on the command line: lists joined by commas."""
        self.keys(table, number, given, known)
        words = {}
        for key, value in given.items():
            parts = value if isinstance(value, list) else [value]
            if not parts or any(isinstance(p, bool) or not isinstance(p, str | int) for p in parts):
                self.fail(
                    table, number, key, f"{key} = {value!r}", "give text, a whole number or a list of them"
                )
            words[key] = ",".join(map(str, parts))
        return words


def _test(key: str, word: str) -> Callable[[Entry], bool]:
    """Whether an entry has this value, or a value in this range, for a key of `[[skip]]`."""
    if key in _RANGES:
        values = parse_range(word, key)
        return lambda entry: getattr(entry.case, key) in values
    if key == "neuron":
        text = parse(word).text
        return lambda entry: entry.ref.text == text
    return lambda entry: getattr(entry.case, key) == word


def _key_in(what: str, table: Mapping[str, str]) -> str | None:
    """The key whose value an error quotes, if one does."""
    return next((key for key, word in table.items() if f'"{word}"' in what), None)


def _line(text: str, table: str, number: int, key: str | None) -> int:
    """Where a key stands in the `number`-th table of that name, or that table begins.

    tomllib keeps no positions, so the lines are looked at once more.
    """
    current, seen, head = "", {"": 0}, 1
    for count, line in enumerate(text.splitlines(), start=1):
        if heading := re.match(r"\s*\[\[?\s*([\w.-]+)\s*\]", line):
            current = heading[1]
            seen[current] = seen.get(current, -1) + 1
            if current == table and seen[current] == number:
                head = count
            if table == "" and current == key:
                return count
        elif (
            (current, seen[current]) == (table, number)
            and key is not None
            and re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line)
        ):
            return count
    return head
