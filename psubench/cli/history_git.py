"""`psubench history RANGE`: from the texts of its options to rows, and to what `--bisect` names."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from psubench.errors import NOT_COMPARABLE, REGRESSION, UNCLEAR, PsubenchError, nearest

if TYPE_CHECKING:
    from psubench.compare.git.bisect import Step
    from psubench.compare.git.commits import Commit, Counter
    from psubench.compare.history import HistoryRow, Place
    from psubench.experiments.suite_file import Suite

Say = Callable[[str], None]
_SLOWER = ("slower", "more work", "more memory")
"""Verdicts that answer `--bisect`."""


class Found(NamedTuple):
    """Rows of the commits that were counted; the answer of `--bisect`, if asked, and the exit code."""

    rows: list[HistoryRow]
    told: str = ""
    exit_code: int = 0


def of_range(
    text: str | None,
    bisect: str | None,
    time: bool | None,
    suite: Path | None,
    device: str | None,
    budget: float,
    seed: int,
    say: Say,
) -> Found:
    """Counts commits, and times those whose work has changed if asked; options as of `psubench history`."""
    from psubench.cli.compare_git import suite_for
    from psubench.compare import history
    from psubench.compare.git.bisect import Step
    from psubench.compare.git.commits import Counter, commits_of
    from psubench.compare.git.leftovers import sweep
    from psubench.compare.git.worktrees import repository_of

    repository = repository_of(Path.cwd())
    commits = commits_of(repository.top, text)
    asked, name = suite_for(suite, device or "cpu")
    if name.startswith("cuda"):
        raise PsubenchError("the work of a GPU's kernels cannot be counted", "use --device cpu")
    if bisect is not None:
        asked = replace(asked, tables=_only(asked, bisect))
    counter = Counter(repository, asked.tables, asked.settings, name, say)
    counter.check(commits)
    sweep(repository.top)

    steps = list[Step]()
    if bisect is None:
        counter.count(commits)
    else:
        steps = _steps(counter, commits)
    rows = history.rows(_places(counter, commits))
    timed = time if time is not None else bisect is not None
    if timed:
        rows = _timed(rows, asked, name, budget, seed, say)
    if bisect is None:
        return Found(rows)
    return _answer(rows, steps, commits, bisect, timed=timed) if steps else _none(rows, bisect)


def _only(asked: Suite, neuron: str) -> list[Mapping[str, str]]:
    """The tables of a suite with one neuron, which is named as there or as in tables.

    Raises:
        PsubenchError: no table has it.
    """
    from psubench.neurons import parse_list

    known, tables = dict[str, str](), list[Mapping[str, str]]()
    for table in asked.tables:
        refs = {ref.text: ref.label for ref in parse_list(table["neurons"])}
        known.update(refs)
        these = [text for text, label in refs.items() if neuron in (text, label)]
        tables += [{**table, "neurons": ",".join(these)}] * bool(these)
    if not tables:
        raise PsubenchError(f'--bisect: "{neuron}" is not a neuron of {asked.path}', nearest(neuron, known))
    return tables


def _places(counter: Counter, commits: Sequence[Commit]) -> list[Place]:
    """Of those commits that were counted, in their order.

    Raises:
        PsubenchError: none could be.
    """
    from psubench.compare import history

    known = [one for commit in commits if (one := counter.found.get(commit.hash))]
    made = {
        one.commit: history.place(one.records, one.commit.subject) for one in known if one.records is not None
    }
    if not made:
        raise PsubenchError(f"no commit can be counted: {known[-1].reason}", "check the suite and the range")
    machine = next(iter(made.values())).machine
    places = []
    for one in known:
        empty = history.Place("", None, one.commit.subject, machine, None, reason=one.reason)
        found = made.get(one.commit, empty)
        places.append(replace(found, at=one.commit.hash, date=one.commit.date, needed=one.packages))
    return places


def _steps(counter: Counter, commits: Sequence[Commit]) -> list[Step]:
    """Where the work changes, by counting few of the commits."""
    from psubench.compare.evidence import summary
    from psubench.compare.git.bisect import changes
    from psubench.compare.history import does_other_work

    cases = {}

    def count(wanted: Sequence[int]) -> list[int]:
        counter.count([commits[place] for place in wanted])
        for place in wanted:
            records = counter.found[commits[place].hash].records
            every = summary(records).cases if records is not None else {}
            of_neuron = {key: one for key, one in every.items() if one.status != "skipped"}
            if of_neuron and all(one.status == "ok" for one in of_neuron.values()):
                cases[place] = of_neuron
        return [place for place in wanted if place in cases]

    def differ(one: int, other: int) -> bool:
        base, new = cases[one], cases[other]
        return base.keys() != new.keys() or any(does_other_work(base[key], new[key]) for key in base)

    return changes(range(len(commits)), count, differ)


def _timed(
    rows: list[HistoryRow], asked: Suite, device: str, budget: float, seed: int, say: Say
) -> list[HistoryRow]:
    """The rows, with times of both sides of every commit whose work has changed."""
    from psubench.cli.compare_git import measured
    from psubench.compare.gating import ALL
    from psubench.compare.history import with_times

    changed = dict.fromkeys((row.since, row.at) for row in rows if row.since and row.work is not None)
    for since, at in changed:
        say(f"{at[:8]} is timed against {since[:8]}")
        began = clock.monotonic()
        try:
            found = measured(since, at, asked, device, None, None, ALL, budget, seed, None, say, began)
        except PsubenchError as error:
            say(f"{at[:8]} cannot be timed: {error}")
            continue
        rows = with_times(rows, at, found)
    return rows


def _answer(
    rows: list[HistoryRow], steps: Sequence[Step], commits: Sequence[Commit], neuron: str, *, timed: bool
) -> Found:
    """Which commit it was: a line each, those that made it slower first."""
    from psubench.compare.history import ORDER, OTHER_WORK
    from psubench.render.history import told

    lines, verdicts = [], []
    for step in steps:
        commit, between = commits[step.after], step.after - step.before - 1
        here = [row for row in rows if row.at == commit.hash]
        verdicts.append(min((row.verdict for row in here if row.marked), key=ORDER.index, default=OTHER_WORK))
        doubt = f" (or one of the {between} before it, which cannot be counted)" if between else ""
        word = verdicts[-1] if verdicts[-1] in _SLOWER else OTHER_WORK
        lines.append(f'{word} since {commit.short} "{commit.subject}"{doubt}: {told(here)}')
    lines.sort(key=lambda line: not line.startswith(_SLOWER))
    if not set(_SLOWER).isdisjoint(verdicts):
        return Found(rows, "\n".join(lines), REGRESSION)
    if timed and not {OTHER_WORK, "unclear"}.isdisjoint(verdicts):
        at = {commits[step.after].hash for step in steps}
        why = next((row.reason for row in rows if row.at in at and row.verdict == "unclear"), None)
        lines.append(f"unclear: whether {neuron} is slower since; {why or 'it could not be timed'}")
        return Found(rows, "\n".join(lines), UNCLEAR)
    none = [f"none found that made {neuron} slower"] * timed
    return Found(rows, "\n".join([*lines, *none]))


def _none(rows: list[HistoryRow], neuron: str) -> Found:
    """Where no work has changed, or none is known to have."""
    known = [row for row in rows if row.label is not None and row.verdict not in ("failed", "not counted")]
    ends = [known[0].at[:8], known[-1].at[:8]] if known else ["", ""]
    if ends[0] == ends[1]:
        raise PsubenchError(
            f"fewer than two commits can be counted: {next(row.reason for row in rows if row.reason)}",
            "give another range",
            NOT_COMPARABLE,
        )
    unclear = [row.reason for row in known if row.verdict == "unclear"]
    if unclear:
        return Found(
            rows, f"unclear: {unclear[0]}; psubench compare --git {' '.join(ends)} times it", UNCLEAR
        )
    return Found(rows, f"none found: {neuron} does the same work in {ends[0]} and in {ends[1]}")
