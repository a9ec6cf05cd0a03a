"""`psubench compare --git`: from the texts of its options to a measured comparison."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psubench.cli.saved_runs import REPORTS
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.compare.verdicts import Comparison
    from psubench.experiments.suite_file import Suite
    from psubench.runs.case import Block

CI_SUITE = Path("suites", "ci.toml")
_PACKAGE = Path(__file__).parent.parent


def compare_revisions(
    sides: Sequence[str],
    margin: float | None,
    work_margin: float | None,
    gate: Sequence[str],
    suite: Path | None,
    device: str | None,
    budget: float,
    seed: int,
    out: Path | None,
    say: Callable[[str], None],
) -> Comparison:
    """Measures two revisions and compares them; options as of `psubench compare`."""
    began = time.monotonic()
    base, new = _named(sides, out)
    asked, name = _gated_suite(suite, device, gate)
    return measured(base, new, asked, name, margin, work_margin, gate, budget, seed, out, say, began)


def measured(
    base: str,
    new: str,
    asked: Suite,
    device: str,
    margin: float | None,
    work_margin: float | None,
    gate: Sequence[str],
    budget: float,
    seed: int,
    out: Path | None,
    say: Callable[[str], None],
    began: float,
) -> Comparison:
    """Measures two revisions by a suite; see `AbRun`, whose defaults are those of margins that are None."""
    from psubench.compare import work
    from psubench.compare.git.ab_run import AbRun
    from psubench.compare.git.worktrees import revisions

    kept = tempfile.TemporaryDirectory() if out is None else nullcontext(str(out))
    with kept as folder, revisions(Path.cwd(), base, new, asked.tables, say) as (before, after):
        return AbRun(
            before, after, asked.tables, asked.settings, device, Path(folder), budget, margin, gate, seed,
            say, began, work_margin=work.MARGIN if work_margin is None else work_margin,
        ).run()  # fmt: skip


def list_revisions(
    sides: Sequence[str],
    gate: Sequence[str],
    suite: Path | None,
    device: str | None,
    budget: float,
    out: Path | None,
    say: Callable[[str], None],
) -> list[str]:
    """Says what would be measured, and for how long: with the mistakes that `compare_revisions` refuses."""
    from psubench.compare.git.git_command import commit_of
    from psubench.compare.git.planned import lines
    from psubench.compare.git.worktrees import revisions

    names = _named(sides, out)
    asked, device_name = _gated_suite(suite, device, gate)
    with revisions(Path.cwd(), *names, asked.tables, say, dry_run=True) as (before, after):
        counts = before.python == after.python
    told = [
        f"{side}: {text}, {commit_of(Path.cwd(), text)[:12]}"
        for side, text in zip(("base", "new"), names, strict=True)
    ]
    listed = lines(_compared(asked, device_name), asked.how(), REPORTS, counts=counts)
    return [*told, *listed, f"--budget ends it after {budget:g} s"]


def _named(sides: Sequence[str], out: Path | None) -> tuple[str, str]:
    """The two revisions."""
    if len(sides) > 2:
        raise PsubenchError(
            f"{len(sides)} revisions to compare", "give one or two: compare --git BASE [HEAD]"
        )
    if out is not None and (out / "base").exists():
        raise PsubenchError(f"{out} holds a comparison already", "choose another --out")
    return sides[0], sides[1] if len(sides) == 2 else "HEAD"


def _gated_suite(suite: Path | None, device: str | None, gate: Sequence[str]) -> tuple[Suite, str]:
    """As `suite_for`; a pattern that matches no case is refused."""
    from psubench.compare.gating import check_gate

    asked, name = suite_for(suite, device)
    check_gate(gate, _names(asked, name))
    return asked, name


def _names(asked: Suite, device: str) -> list[str]:
    """The cases of a suite in words."""
    from psubench.compare.gating import case_name

    blocks = _compared(asked, device)
    return [case_name(entry.label, entry.case.canonical()) for block in blocks for entry in block.entries]


def _compared(asked: Suite, device: str) -> list[Block]:
    """The blocks of a suite without references that their table does not name."""
    from psubench.neurons import parse_list

    return [
        replace(block, entries=tuple(entry for entry in block.entries if entry.ref in named))
        for options in asked.options
        for named in [parse_list(options.neurons)]
        for block in asked.experiment.planned(options, device)
    ]


def suite_for(suite: Path | None, device: str | None) -> tuple[Suite, str]:
    """The suite and the device that are measured.

    Args:
        suite: a TOML file; suites/ci.toml in the current folder or next to this code by default.
        device: a GPU by default, if there is one.

    Raises:
        PsubenchError: no suite or device, or a suite that leaves out what a comparison needs.
    """
    from psubench.devices import resolve
    from psubench.experiments import suite_file

    path = ci_suite(suite)
    asked, name = suite_file.read(path), resolve(device)
    if asked.command != "speed":
        raise PsubenchError(f"{path} holds no [[speed]]", "compare with a suite of speed")
    if asked.skips:
        raise PsubenchError(f"{path} skips cases", "compare with a suite that has no [[skip]]")
    if any("neurons" not in table or "T" not in table for table in asked.tables):
        raise PsubenchError(f"{path} has a [[speed]] without neurons or T", "write both")
    asked.blocks(name)  # checks every value before anything is measured
    return asked, name


def ci_suite(suite: Path | None) -> Path:
    """The suite that was given, else suites/ci.toml here, in the wheel or beside this code."""
    return suite or (CI_SUITE if CI_SUITE.is_file() else shipped(CI_SUITE))


def shipped(path: Path) -> Path:
    """Where a file of this repository lies that the wheel has too: in the package, or beside it."""
    return next((one for one in (_PACKAGE / path, _PACKAGE.parent / path) if one.is_file()), path)
