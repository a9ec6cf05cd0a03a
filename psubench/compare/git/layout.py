"""What a revision holds that Python imports, and from which of its folders: src layouts, monorepos."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from psubench.compare.git.git_command import git
from psubench.errors import PsubenchError
from psubench.plugins import is_installed

PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True)
class Checkout:
    """A revision in a folder.

    Attributes:
        name: how errors call it.
        tree: top of the worktree.
        source: top of the user's own tree.
        within: path from the top to the folder that the comparison was started in.
    """

    name: str
    tree: Path
    source: Path
    within: Path

    @property
    def folder(self) -> Path:
        """Working folder of what is measured."""
        return self.tree / self.within

    @property
    def chain(self) -> list[Path]:
        """The working folder and those above it, up to the top."""
        return [self.folder, *(self.tree / parent for parent in self.within.parents if parent != self.within)]


def projects(checkout: Checkout) -> dict[Path, Mapping[str, Any]]:
    """The projects that a revision holds: by folder what their pyproject.toml says; empty for a setup.py.

    Raises:
        PsubenchError: one that the comparison is started in is not valid TOML.
    """
    listed = git(
        checkout.tree, "ls-files", "-z", "--full-name",
        "--", *(f":(glob)**/{name}" for name in (PROJECT_FILE, "setup.py", "setup.cfg")),
    )  # fmt: skip
    found: dict[Path, Mapping[str, Any]] = {}
    for path in (checkout.tree / name for name in listed.split("\0") if name):
        if path.name != PROJECT_FILE:
            found.setdefault(path.parent, {})
        elif path.is_file():
            try:
                found[path.parent] = read_project(path, checkout)
            except PsubenchError:
                if path.parent in checkout.chain:
                    raise
    return found


def read_project(path: Path, checkout: Checkout) -> Mapping[str, Any]:
    """A pyproject.toml as a table.

    Raises:
        PsubenchError: it cannot be read; with the revision's name and the file's.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # TOML and UTF-8
        raise PsubenchError(
            f"{checkout.name}: {path.relative_to(checkout.tree)} is not valid TOML: {error}",
            "fix it in that revision, or compare with another",
        ) from None


def import_folders(checkout: Checkout) -> list[Path]:
    """Folders of a revision from which Python shall import, first come first served.

    The folder that the comparison is started in and those above it, each with its src/; what this
    interpreter has of the user's tree on its path (PYTHONPATH, editable installs); and the source folders
    of every project that is installed here.
    """
    installed = installed_names()
    listed = [folder for one in checkout.chain for folder in (one, one / "src")]
    listed += [checkout.tree / path for path in _on_path(checkout.source)]
    for folder, project in projects(checkout).items():
        if folder in checkout.chain or _normal(_name(project)) in installed or _from(checkout, folder):
            listed += [folder / path for path in _source_folders(project)]
    return list(dict.fromkeys(folder for folder in listed if folder.is_dir()))


def import_names(checkout: Checkout) -> frozenset[str]:
    """Names of packages and modules that a revision holds, or that were installed from its repository."""
    every = [path for folder in import_folders(checkout) for path in folder.iterdir()]
    held = {path.stem for path in every if path.suffix == ".py" or (path / "__init__.py").is_file()}
    held -= {"setup", "conftest", *sys.stdlib_module_names}
    ours = {_normal(_name(project)) for project in projects(checkout).values()} - {""}
    return frozenset(held | {name for name, of in installed_names_of().items() if ours.intersection(of)})


def _on_path(source: Path) -> Iterator[Path]:
    """What lies in the user's tree of the folders that this interpreter imports from."""
    for entry in [*sys.path[1:], *_editable()]:
        path = Path(entry).resolve()
        if entry and path.is_dir() and path.is_relative_to(source) and not is_installed(path):
            yield path.relative_to(source)


def _editable() -> Iterator[str]:
    """Folders to which editable installs by setuptools map their packages."""
    for name, module in list(sys.modules.items()):
        mapping = getattr(module, "MAPPING", None) if name.startswith("__editable__") else None
        if isinstance(mapping, dict):
            yield from (str(Path(target).parent) for target in mapping.values())


def _source_folders(project: Mapping[str, Any]) -> list[str]:
    """Where a project's packages lie, relative to its folder, as its build backend is told."""
    tool = project.get("tool")
    found = [".", "src"]
    for value in (
        _at(tool, "setuptools", "package-dir", ""),
        _at(tool, "setuptools", "packages", "find", "where"),
        _at(tool, "hatch", "build", "targets", "wheel", "packages"),
        _at(tool, "poetry", "packages"),
    ):
        for one in value if isinstance(value, list) else [value]:
            match one:
                case {"from": str(folder)}:
                    found.append(folder)
                case str(folder):
                    found += [folder, str(Path(folder).parent)]
    return [folder for folder in found if not Path(folder).is_absolute() and ".." not in Path(folder).parts]


def _at(table: Any, *keys: str) -> Any:
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table


def _name(project: Mapping[str, Any]) -> str:
    name = _at(project, "project", "name") or _at(project, "tool", "poetry", "name")
    return name if isinstance(name, str) else ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def installed_names() -> frozenset[str]:
    """Normal names of the distributions that are installed here."""
    return frozenset(_normal(one.metadata["Name"] or "") for one in metadata.distributions()) - {""}


@cache
def installed_names_of() -> dict[str, set[str]]:
    """By name of a package or module, the distributions that it is installed with."""
    listed = metadata.packages_distributions()
    return {name: {_normal(one) for one in of} for name, of in listed.items()}


def _from(checkout: Checkout, folder: Path) -> bool:
    """Whether some distribution was installed from this folder of the user's tree (PEP 610)."""
    mine = checkout.source / folder.relative_to(checkout.tree)
    return mine in {Path(unquote(urlsplit(url).path)) for url in _installed_from()}


def _installed_from() -> Iterator[str]:
    for one in metadata.distributions():
        try:
            told = json.loads(one.read_text("direct_url.json") or "{}")
        except ValueError:
            continue
        if isinstance(told, dict) and str(told.get("url", "")).startswith("file://"):
            yield told["url"]
