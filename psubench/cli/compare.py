"""`psubench compare`: did it become slower, or different? Two records, or two git revisions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from psubench.cli import options as o
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from psubench.compare.verdicts import Comparison

FORMATS = ("table", "markdown", "json", "github")
Sides = Annotated[
    list[str], typer.Argument(metavar="BASE [NEW]", help="Two runs; with --git two revisions (NEW: HEAD).")
]
Git = Annotated[bool, typer.Option("--git", help="Measure two revisions of this repository, in turns.")]
Margin = Annotated[
    str | None,
    typer.Option(metavar="PERCENT", help="Change that is ignored; default: 3 % on a CPU, 2 % on a GPU."),
]
WorkMargin = Annotated[
    str | None,
    typer.Option(metavar="PERCENT", help="With --git: instructions more that are more work; default: 3 %."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit code 3 if a gated case is unclear or missing.")]
Gate = Annotated[
    str,
    typer.Option(
        metavar="PATTERNS", help='Cases that may fail it, by whole words: "psu train,lif*T=32"; default: all.'
    ),
]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="table, markdown, json or github.")]
SuiteFile = Annotated[
    Path | None,
    typer.Option("--suite", metavar="FILE", help="With --git: what to measure; default: suites/ci.toml."),
]
Budget = Annotated[float, o.seconds("With --git: it ends by then, with what is known.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="With --git: list the cases without measuring.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="With --git: keep both records; default: not kept."),
]


def compare(
    sides: Sides,
    git: Git = False,
    margin: Margin = None,
    work_margin: WorkMargin = None,
    strict: Strict = False,
    gate: Gate = "*",
    format: Format = "table",
    suite: SuiteFile = None,
    device: o.Device = None,
    budget: Budget = 600.0,
    seed: o.Seed = 0,
    out: Out = None,
    quiet: o.Quiet = False,
    dry_run: DryRun = False,
) -> None:
    """Verdicts per case: slower, more work, changed, failed, faster, ...; exit code 1 on a regression.

    Example: psubench compare --git main --format github
    """
    from psubench.compare.gating import parse_gate

    chosen = o.choice(format, FORMATS, "--format")
    share = o.share(margin, "--margin") if margin else None
    work_share = o.share(work_margin, "--work-margin") if work_margin else None
    patterns = parse_gate(gate)
    if dry_run and not git:
        raise PsubenchError("--dry-run says what --git would measure", "add --git, or compare without it")
    if git:
        from psubench.cli.compare_git import compare_revisions, list_revisions

        say = _silent if quiet else _say
        if dry_run:
            print(*list_revisions(sides, patterns, suite, device, budget, out, say), sep="\n")
            return
        found = compare_revisions(
            sides, share, work_share, patterns, suite, device, budget, seed, out, say
        )  # fmt: skip
    else:
        found = _compare_records(sides, share, patterns)
    code = found.exit_code(strict=strict)
    _print(found, chosen, code)
    raise typer.Exit(code)


def _compare_records(sides: list[str], margin: float | None, gate: list[str]) -> Comparison:
    from psubench.compare.evidence import summary
    from psubench.compare.verdicts import compare
    from psubench.records import jsonl

    if len(sides) != 2:
        raise PsubenchError(f"{len(sides)} runs to compare", "give two: psubench compare BASE NEW")
    # One record at a time: two of 100,000 cases need not fit into memory together.
    base, new = (summary(jsonl.read(jsonl.locate(Path(side)))) for side in sides)
    return compare(base, new, margin, gate)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _silent(text: str) -> None:
    """For --quiet."""


def _print(found: Comparison, format: str, code: int) -> None:
    from psubench.render import comparison

    match format:
        case "table":
            comparison.show(found)
        case "markdown":
            print(comparison.to_markdown(found), end="")
        case "json":
            print(comparison.to_json(found, code))
        case "github":
            for line in comparison.workflow_commands(found):
                print(line)
            print(comparison.headline(found))
            if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
                _append(comparison.to_markdown(found, comparison.MOST_BYTES), Path(summary))


def _append(text: str, path: Path) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise PsubenchError(
            f"cannot write {path}: {error.strerror}", "correct or unset GITHUB_STEP_SUMMARY"
        ) from None
