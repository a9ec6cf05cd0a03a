"""`psubench init`: what a repository needs to compare its own neurons in continuous integration."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from psubench import __version__
from psubench.cli.compare_git import CI_SUITE, shipped
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

app = typer.Typer(help="Writes what a repository of your own needs.", rich_markup_mode=None)
WORKFLOW = Path(".github", "workflows", "psubench.yml")
TEMPLATE = Path("examples", "github", "compare.yml")
_SUITE_SAYS = (
    "# What `psubench compare --git` measures: neurons that `psubench init ci` has found. Yours to edit.\n"
)
_HERE = "uses: ./ # from another repository: OWNER/psubench@VERSION\n"


@app.callback()
def _several() -> None:
    """Keeps `ci` a separate command although it is the only one."""


@app.command()
def ci() -> None:
    """Writes a suite of this repository's neurons, and a GitHub workflow that compares pull requests.

    Example: psubench init ci

    Files with classes that could be neurons are imported, in another process. No file is overwritten.
    """
    from psubench.compare.git.git_command import git
    from psubench.experiments import own_neurons
    from psubench.render.files import write_text

    top = Path(git(Path.cwd(), "rev-parse", "--show-toplevel"))
    for path in (top / CI_SUITE, top / WORKFLOW):
        if os.path.lexists(path):
            raise PsubenchError(f"{path} exists", "nothing was written: remove it, or go on with it")
    found = own_neurons.find(top, _say)
    action = _action()
    write_text(_SUITE_SAYS + own_neurons.suite(found), top / CI_SUITE)
    write_text(_workflow(action, _requirements(top)), top / WORKFLOW)
    print(f"{CI_SUITE}: {', '.join(one.text for one in found)}")
    print(f"{WORKFLOW}: compares every pull request with its base, by {action}")
    if action.startswith("OWNER"):
        _say(f"write into {WORKFLOW} for OWNER whose psubench GitHub shall take")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _workflow(action: str, requirements: Sequence[str]) -> str:
    """The example of a workflow with this action, which also installs what the repository needs."""
    text = shipped(TEMPLATE).read_text(encoding="utf-8").partition("\n")[2]  # the first line tells to copy it
    before, here, after = text.partition(_HERE)
    indent, with_, inputs = after.partition("with:\n")
    assert here
    assert with_
    place = inputs[: len(inputs) - len(inputs.lstrip())]
    more = f"{place}install: {json.dumps(' '.join(requirements))}\n" if requirements else ""
    return f"{before}uses: {action}\n{indent}{with_}{more}{inputs}"


def _requirements(top: Path) -> list[str]:
    """What pip is to install, as its arguments at the top of the repository."""
    from psubench.compare.git.layout import Checkout
    from psubench.compare.git.packages import asked

    found = asked(Checkout(top.name, top, top, Path()))
    return [os.path.relpath(one, top) if os.path.isabs(one) else one for one in found]


def _action() -> str:
    """The action of the psubench that runs here: where pip has it from, if that is on GitHub."""
    with suppress(metadata.PackageNotFoundError):
        told = json.loads(metadata.distribution("psubench").read_text("direct_url.json") or "{}")
        match = re.search(r"github\.com[/:]([\w.-]+/[\w.-]+?)(\.git)?/?$", told.get("url", ""))
        if match and "vcs_info" in told:
            return f"{match[1]}@{told['vcs_info']['commit_id']}"
    return f"OWNER/psubench@v{__version__}"
