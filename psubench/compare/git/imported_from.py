"""Whether the measured code came from the revision: the location of every module that the worker imported."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import psubench
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.neurons.foreign.table import library_of
from psubench.plugins import is_installed, parse_call, split_list

MODULES = "PSUBENCH_MODULES"
"""Environment variable with the file to which the fixed work in the worker writes what has been imported."""
TOOL = Path(psubench.__file__).resolve().parent
_PLUGIN_AXES = ("neurons", "model", "data")


@dataclass(frozen=True)
class Origin:
    """Where the modules of a side may come from.

    Attributes:
        name: of the side.
        own: folders of the revision: its worktree, and the environment that its packages were installed in.
        repository: tops of the user's own trees of that repository.
        names: packages and modules that the revision holds.
        plugins: modules and files that the suite names.
        has_psubench: whether the revision brings its own psubench; else the one that runs here measures it.
    """

    name: str
    own: tuple[Path, ...]
    repository: tuple[Path, ...]
    names: frozenset[str]
    plugins: frozenset[str]
    has_psubench: bool

    def check_files(self, folder: Path) -> None:
        """Refuses a plug-in's file that is not the revision's.

        Args:
            folder: that the paths are relative to.
        """
        for where in (one for one in self.plugins if one.endswith(".py")):
            path = (folder / where).resolve()
            if not self._is_own(path):
                raise self._refusal(where, path)
            if not path.is_file():
                raise PsubenchError(
                    f"{self.name} has no file {where}",
                    "compare revisions that both have what the suite names",
                )

    def check(self, modules: Mapping[str, Path]) -> None:
        """Refuses modules that are the user's and not of the revision.

        Args:
            modules: by name, the files that a worker imported them from.
        """
        for name, file in modules.items():
            if not self._may(name, file.resolve()):
                raise self._refusal(name, file)

    def _may(self, name: str, file: Path) -> bool:
        root = name.partition(".")[0]
        if self._is_own(file):
            return True
        if root == "psubench":
            return not self.has_psubench and file.is_relative_to(TOOL)
        if root in self.names or root in {one.partition(".")[0] for one in self.plugins}:
            return False
        return is_installed(file) or not any(file.is_relative_to(top) for top in self.repository)

    def _is_own(self, file: Path) -> bool:
        return any(file.is_relative_to(folder) for folder in self.own)

    def _refusal(self, name: str, path: Path) -> PsubenchError:
        return PsubenchError(
            f"{self.name} would be measured with {name} from {path}, which is not of that revision",
            "name what lies in the repository, by paths relative to it; or measure each revision in an "
            "environment of its own and compare the two records",
            NOT_COMPARABLE,
        )


def imported(path: Path) -> dict[str, Path]:
    """What the workers of a side imported, by module name; empty where none got as far as the fixed work."""
    found: dict[str, Path] = {}
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, file = json.loads(line)
            found[name] = Path(file)
    return found


def plugins_of(tables: Sequence[Mapping[str, str]], held: Set[str] = frozenset()) -> frozenset[str]:
    """Modules and files that a suite's tables name as plug-ins.

    The neuron of a library is none: it is installed, and the same for both sides.

    Args:
        held: packages and modules of the revisions; a library among them is what is compared.
    """
    return frozenset(where for table in tables for where in _plugins(table, held))


def _plugins(table: Mapping[str, str], held: Set[str]) -> Iterator[str]:
    for axis in _PLUGIN_AXES:
        for text in split_list(table.get(axis, "")):
            called = parse_call(text.partition("@")[0] if text.endswith(("@step", "@layer")) else text)[0]
            where, colon, _ = called.rpartition(":")
            if axis == "neurons" and library_of(called) is not None and where not in held:
                continue
            if colon or called.endswith(".py"):
                yield where if colon else called
