"""Two revisions of a git repository as sides: worktrees in a temporary folder, each with its packages."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from psubench.compare.git import submodules
from psubench.compare.git.git_command import commit_of, git
from psubench.compare.git.imported_from import Origin, plugins_of
from psubench.compare.git.layout import Checkout, import_folders, import_names
from psubench.compare.git.leftovers import held_folder, remove_worktree, sweep
from psubench.compare.git.packages import install, packages, tool_folders
from psubench.compare.git.side import Side
from psubench.errors import PsubenchError
from psubench.plugins import is_installed

_NO_HOOKS = ("-c", "core.hooksPath=/dev/null")
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@dataclass(frozen=True)
class Repository:
    """The user's repository.

    Attributes:
        top: of the tree that the comparison was started in.
        trees: tops of all of its trees; an editable install may lie in another one.
        within: path from the top to the folder that the comparison was started in.
    """

    top: Path
    trees: tuple[Path, ...]
    within: Path


@contextmanager
def revisions(
    folder: Path,
    base: str,
    new: str,
    tables: Sequence[Mapping[str, str]],
    say: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> Iterator[tuple[Side, Side]]:
    """Both revisions checked out beside each other while inside; the user's tree is not touched.

    Each side's worktree lies in one temporary folder, so a file there is the same file for both.

    Args:
        folder: any of the repository; the sides are measured in the same folder of theirs.
        base, new: whatever git takes for a commit.
        tables: of the suite that will be measured.
        say: told in a sentence what takes long and what is left out.
        dry_run: whether nothing is installed: then sides that need other packages cannot measure.

    Raises:
        PsubenchError: no repository, no such revision, packages that cannot be installed, or nothing of the
            repository would be measured.
    """
    repository = repository_of(folder)
    sweep(repository.top)
    commits = {name: commit_of(repository.top, asked) for name, asked in (("base", base), ("new", new))}
    if _is_changed(repository.top):
        say("changes that are not committed are not measured")
    with checked_out(repository, commits, say) as checkouts:
        before, after = sides_of(repository, checkouts, tables, say, dry_run=dry_run)
        yield before, after


@contextmanager
def checked_out(
    repository: Repository, commits: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[list[Checkout]]:
    """Commits checked out beside each other in a folder of their own while inside.

    Args:
        commits: hashes, by the names that errors call them.
        say: told in a sentence what is left out.

    Raises:
        PsubenchError: one cannot be checked out.
    """
    with held_folder() as temporary:
        trees = [temporary / name for name in commits]
        try:
            for tree, commit in zip(trees, commits.values(), strict=True):
                add = ("worktree", "add", "--detach", "--force", str(tree), commit)
                git(repository.top, *_NO_HOOKS, *add)
                submodules.check_out(tree, repository.top, say)
            yield [Checkout(tree.name, tree, repository.top, repository.within) for tree in trees]
        finally:
            _remove(repository.top, trees)


def repository_of(folder: Path) -> Repository:
    """The repository that a folder lies in.

    Raises:
        PsubenchError: it lies in none.
    """
    top = Path(git(folder, "rev-parse", "--show-toplevel")).resolve()
    listed = git(top, "worktree", "list", "--porcelain").splitlines()
    trees = [Path(line.removeprefix("worktree ")) for line in listed if line.startswith("worktree ")]
    return Repository(top, (top, *trees), folder.resolve().relative_to(top))


def _is_changed(top: Path) -> bool:
    """Whether the user's tree holds what is not committed; not known where a filter is missing."""
    with suppress(PsubenchError):
        return bool(git(top, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"))
    return False


def _remove(top: Path, trees: list[Path]) -> None:
    """Takes the worktrees out of the repository; a second signal waits for it."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        for tree in trees:
            remove_worktree(top, tree)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def sides_of(
    repository: Repository,
    checkouts: list[Checkout],
    tables: Sequence[Mapping[str, str]],
    say: Callable[[str], None],
    *,
    dry_run: bool = False,
) -> list[Side]:
    """Checkouts as sides, each with its packages where they need different ones.

    Raises:
        PsubenchError: packages that cannot be installed, or nothing of the repository would be measured.
    """
    for one in checkouts:
        if not one.folder.is_dir():
            raise PsubenchError(
                f"{one.name} has no folder {one.within}", "compare from a folder that both have"
            )
    has_psubench = _bring_psubench(checkouts)
    names = [import_names(one) for one in checkouts]
    plugins = plugins_of(tables, frozenset().union(*names))
    if not has_psubench and not plugins:
        raise PsubenchError(
            f"the suite names nothing of the repository {repository.top}: it would measure the installed "
            "psubench twice",
            "give a suite with your own neurons, such as path/file.py:Class, with --suite",
        )
    pythons = [Path(sys.executable)] * len(checkouts)
    venvs = [one.tree.parent / f"{one.name}-venv" for one in checkouts]
    if any(packages(one) != packages(checkouts[0]) for one in checkouts):
        say("the revisions need other packages: an environment is installed for each, which takes minutes")
        pairs = zip(checkouts, venvs, strict=True)
        pythons = venvs if dry_run else [install(*pair, has_psubench=has_psubench) for pair in pairs]
    sides = []
    for one, held, python, venv in zip(checkouts, names, pythons, venvs, strict=True):
        origin = Origin(one.name, (one.tree, venv), repository.trees, held, plugins, has_psubench)
        origin.check_files(one.folder)
        sides.append(Side(one.name, python, one.folder, _variables(one, has_psubench=has_psubench), origin))
    return sides


def _bring_psubench(checkouts: list[Checkout]) -> bool:
    """Whether both revisions are of psubench itself.

    Raises:
        PsubenchError: only one of them is: what is installed would be measured in place of the other.
    """
    has = {
        one.name: any((f / "psubench/__init__.py").is_file() for f in import_folders(one))
        for one in checkouts
    }
    if len(set(has.values())) > 1:
        without = next(name for name, it_has in has.items() if not it_has)
        raise PsubenchError(
            f"{without} has no psubench, the other revision has: the installed one would be measured for it",
            "compare two revisions that both have it",
        )
    return all(has.values())


def _variables(checkout: Checkout, *, has_psubench: bool) -> dict[str, str]:
    """Variables with which Python imports what lies in a revision before what is installed."""
    inherited = [
        str(Path(path).absolute())  # a side has a working folder of its own
        for path in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if path and not _is_of(checkout.source, Path(path).resolve())
    ]
    tool = [] if has_psubench else tool_folders()
    paths = [*map(str, import_folders(checkout)), *inherited, *tool]
    return {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def _is_of(source: Path, path: Path) -> bool:
    return path.is_relative_to(source) and not is_installed(path)
