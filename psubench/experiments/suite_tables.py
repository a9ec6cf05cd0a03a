"""The tables of a suite file: the command that they are for, and where each key is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from psubench.errors import PsubenchError, nearest
from psubench.experiments import toml_file
from psubench.experiments.notations import PATH
from psubench.experiments.option import declared
from psubench.experiments.read_options import Given
from psubench.experiments.registry import COMMANDS, options_of

VERSION = 1
_TOP = ("version", "title", "settings", "skip", *COMMANDS)
Table = Mapping[str, Given]
Place = tuple[str | int, ...]


@dataclass(frozen=True)
class File:
    """A suite as the user wrote it."""

    path: Path
    text: str
    content: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> File:
        """The file, with the keys of its first level checked.

        Raises:
            PsubenchError: no such file, invalid TOML, another version, an unknown key.
        """
        file = cls(path, *toml_file.read(path))
        for key in file.content:
            if key not in _TOP:
                file.fail((key,), f'unknown key "{key}"', nearest(key, _TOP))
        version = file.content.get("version")
        if version != VERSION or isinstance(version, bool):
            said = "there is no version" if version is None else f"version = {version!r}"
            file.fail(("version",), said, f"write version = {VERSION}")
        title = file.content.get("title", "")
        if not isinstance(title, str):
            file.fail(("title",), f"title = {title!r}"[:100], "title takes a string")
        return file

    @property
    def command(self) -> str:
        """The command that the tables are for."""
        found = [key for key in COMMANDS if self.content.get(key)]
        if not found:
            known = ", ".join(f"[[{key}]]" for key in COMMANDS)
            self.fail((), "there is no table of a command, so there is nothing to run", f"add one of {known}")
        if len(found) > 1:
            self.fail(
                (found[1],), f"[[{found[0]}]] and [[{found[1]}]] in one suite", "use a separate file for each"
            )
        return found[0]

    def where(self, place: Place) -> str:
        """File and line at the end of a path of keys and positions."""
        return f"{self.path}, line {toml_file.line_of(self.text, place)}"

    def fail(self, place: Place, what: str, remedy: str) -> NoReturn:
        """Raises an error for the mistake, with its place."""
        raise PsubenchError(f"{self.where(place)}: {what}", remedy)

    def array(self, name: str) -> list[Table]:
        """The values of every `[[name]]`."""
        tables = self.content.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.fail((name,), f"{name} is not an array of tables", f"write [[{name}]] above its keys")
        return [Given(table, name, self.where, (name, n)).table for n, table in enumerate(tables)]

    def tables(self, command: str, *, within: bool = False) -> list[Table]:
        """The options that each table of a command gives: its own, the settings, and those of its recipes.

        Args:
            within: this file is itself a recipe that a suite names.
        """
        settings = Given(self.content.get("settings", {}), "settings", self.where, ("settings",)).table
        self._check_places(command, settings, "settings")
        found: list[Table] = []
        for table in self.array(command):
            self._check_places(command, table, "table")
            own = {**settings, **table}
            recipe = own.get("recipe")
            if recipe is None or isinstance(recipe.value, dict):
                found.append(own)
            elif within:
                recipe.fail("a recipe that names another recipe", "write its values into this file")
            else:
                del own["recipe"]
                for path in self._paths(recipe):
                    found += [{**one, **own} for one in recipe_tables(path, within=True)]
        return found

    def _paths(self, recipe: Given) -> list[Path]:
        """The files that it names, relative to this one."""
        names = recipe.value if isinstance(recipe.value, list) else [recipe.value]
        if not names or not all(isinstance(name, str) for name in names):
            recipe.fail(recipe.shown, "recipe takes the name of a file, a list of them, or a table")
        paths = [self.path.parent / name for name in names]
        try:
            return [Path(PATH.read(str(path), recipe.name)) for path in paths]
        except PsubenchError as error:
            recipe.fail(error.what, error.remedy)

    def _check_places(self, command: str, given: Table, where: str) -> None:
        """Raises PsubenchError for a key that no suite has, or that belongs in another table."""
        fields = declared(options_of(command))
        own = [name for name, field in fields.items() if field.option and field.option.suite == where]
        for key, one in given.items():
            field = fields.get(key)
            if key in own:
                continue
            if field is None or field.option is None or field.option.suite is None:
                one.fail(f'unknown key "{key}"', nearest(key, own))
            heading = "[settings]" if where == "table" else f"[[{command}]]"
            one.fail(f"{key} is in the wrong table", f"write it under {heading}")


def recipe_tables(path: Path, *, within: bool = False) -> list[Table]:
    """The tables of a file of trainings, for use by a command or another suite.

    Raises:
        PsubenchError: as for `File.read`, or it does not contain trainings.
    """
    file = File.read(path)
    if not COMMANDS[file.command].trains:
        raise PsubenchError(f"{path} measures {file.command} and trains nothing", "give a suite of trainings")
    return file.tables(file.command, within=within)
