"""A profile as tables: one of all cases, one of the operators of each, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psubench.errors import one_line
from psubench.experiments import outputs
from psubench.experiments.paired.columns import Row, ratio
from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.columns import Show, count, table
from psubench.render import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Case = Mapping[str, Any]
MOST_OPERATORS = 10
"""That a table shows; the CSV file has them all."""
_NAME_WIDTH = 10  # of `lif [step]`
_AXES = ("model", "data", "T", "batch", "size", "device", "dtype", "phase", "threads")


def show(cases: Sequence[Case], console: Console | None = None) -> None:
    """Prints what the cases share, a table of all, one of the operators of each, and what they say.

    Args:
        cases: as `psubench.experiments.profile.rows.cases` gives them.
        console: standard output by default; 80 columns wide if that is not a terminal.
    """
    console = console or terminal.console()
    known = terminal.letters(console)

    def say(text: str) -> None:
        console.print(known(text), markup=False, highlight=False)

    say(f"{caption(cases)}.")
    rows = calls(cases)
    if rows:
        say("")
        console.print(_table(rows, Show.CALLS, known))
    for case in (case for case in cases if case["profile"]):
        found = profile_rows.operators(case)
        say(f"\n{title(case, cases)}: {min(MOST_OPERATORS, len(found))} of {len(found)} operators")
        console.print(_table(found[:MOST_OPERATORS], Show.OPERATORS, known))
    say("")
    for line in (*notes(cases), *verdict_lines(cases), *meaning(cases)):
        say(f"{line}.")


def calls(cases: Sequence[Case]) -> list[dict[str, Any]]:
    """A row per profiled case: its total, with the share of every role."""
    several = _varying(cases)
    return [
        {
            **profile_rows.total(case),
            "label": title(case, cases) if several else case["label"],
            **{f"{role['name']}_share": role["share"] for role in profile_rows.roles(case)},
        }
        for case in cases
        if case["profile"]
    ]


def caption(cases: Sequence[Case]) -> str:
    """One sentence: every axis that is equal in all cases."""
    several = _varying(cases)
    first = cases[0]
    return ", ".join(f"{name} {first[name]}" for name in _AXES if name not in several and first[name])


def _varying(cases: Sequence[Case]) -> list[str]:
    return [name for name in _AXES if len({case[name] for case in cases}) > 1]


def title(case: Case, cases: Sequence[Case]) -> str:
    """The neuron and what else tells a case from the others of a run."""
    axes = " ".join(f"{name}={case[name]}" for name in _varying(cases))
    return f"{case['label']} {axes}".strip()


def _table(rows: Sequence[Row], where: Show, known: Any) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    columns = table(rows, where)
    for column, header, _ in columns:
        justify: Any = "right" if column.right else "left"
        # A long name may be folded, a number never.
        least = None if column.right else _NAME_WIDTH
        made.add_column(
            Text(known(header)), justify=justify, overflow="fold", no_wrap=column.right, min_width=least
        )
    for cells in zip(*(texts for _, _, texts in columns), strict=True):
        made.add_row(*(Text(known(cell)) for cell in cells))
    return made


def notes(cases: Sequence[Case]) -> list[str]:
    """Why cases have no profile, or none that a reference has confirmed."""
    bad = [
        f"{title(case, cases)}: {case['status']}: {one_line(case['message'] or 'no message')}"
        for case in cases
        if case["status"] != "ok"
    ]
    return (
        bad
        + [
            f"{title(case, cases)}: unverified: no reference has confirmed its spikes"
            for case in cases
            if case["status"] == "ok" and case["verified"] is not True
        ]
        + [
            f"{title(case, cases)}: {one_line(case['message'])}"
            for case in cases
            if case["status"] == "ok" and case["message"]
        ]
        + outputs.lines(cases)
    )


def verdict_lines(cases: Sequence[Case]) -> list[str]:
    """How the launches of each case compare with those of the first."""
    found = [(case, profile_rows.total(case)["launches_per_step"]) for case in cases if case["profile"]]
    if len(found) < 2 or not all(launches for _, launches in found):
        return []
    (first, most), *rest = found
    name = title(first, cases)
    lines = [f"{name} launches {count(most)} per time step"]
    for case, launches in rest:
        factor = most / launches
        word = f"{ratio(factor, None, None)} fewer" if factor > 1 else f"{ratio(1 / factor, None, None)} more"
        word = "as many as" if factor == 1 else f"{word} than"
        lines.append(f"{title(case, cases)} launches {count(launches)} per time step, {word} {name}")
    return lines


def meaning(cases: Sequence[Case]) -> list[str]:
    """What the numbers are, in sentences that stand under every table."""
    if not any(case["profile"] for case in cases):
        return []
    gpu = any(profile_rows.on_device(case) for case in cases)
    launch = "a kernel launch" if gpu else "an operator that does work, called from Python or by autograd"
    share = "of the GPU's time" if gpu else "of a call, operators and what is between them"
    return [
        f"A launch is {launch}. Shares are {share}. Synapses are the layers with a weight matrix",
        "The profiler makes every operator dearer, so many small ones look worse than they are: compare "
        "shares and launches here, and times in `psubench speed`",
        "Traces, for https://ui.perfetto.dev, in the folder of the run: "
        + ", ".join(case["profile"].trace for case in cases if case["profile"]),
    ]
