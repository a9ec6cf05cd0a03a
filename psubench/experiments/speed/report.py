"""Runs of `psubench speed` as a part of a report: a section per network, data set and setting."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import axes, grids, large, setting, tables
from psubench.experiments.paired.verdicts import verdict_lines
from psubench.experiments.speed import figures, panels
from psubench.experiments.speed import ratios as ratio_tables
from psubench.experiments.speed import rows as speed_rows
from psubench.experiments.speed.columns import COLUMNS
from psubench.experiments.speed.rows import SpeedRow
from psubench.records.measured import Block
from psubench.records.structs import Record
from psubench.render.axes import PHASES, file_name, labels_of, phases_of
from psubench.render.numbers import percent
from psubench.render.report import facts
from psubench.render.report.parts import Drawing, Part, Section, Table

_TITLES = {
    "ratio": "Time ratio t_{reference} / t_neuron in {phase}; above 1 a neuron is faster than {reference}",
    "time": "Time per step in {phase}",
    "bandwidth": "Bandwidth in {phase} as a share of a copy's",
    "implementations": "Time per element of every implementation in {phase}",
    "memory": "Peak memory of one call in {phase}",
}
_MARKS = {
    "ratio": "lines on bars: 95 % interval; grey: what the noise of the run alone can do{floors}",
    "time": "bars: 5 % to 95 % of the samples",
    "bandwidth": "100 %: input, spikes and weights, in training their gradients, move as fast as a copy",
    "implementations": "dashed: a copy of as many bytes as a call must move",
    "memory": "above what is held before the call",
}
_SHOWS = {
    "ratio": "Bars up or down from 1, a group for each T, a bar for each neuron. {says}",
    "time": "A line for each neuron over T, both axes logarithmic. The table of all cases holds the numbers.",
    "bandwidth": "A line for each neuron over T, below that of the copy. The table of all cases has them.",
    "implementations": "A panel for each neuron, a line for each of its implementations over T.",
    "memory": "A line for each neuron over T, both axes logarithmic. The table of all cases has the numbers.",
}
_DOTS = "A dot for each neuron, a panel for each T. The table of all cases has the numbers."


def part(runs: Sequence[Sequence[Record]]) -> Part:
    """The part of a report that shows runs of this kind.

    Args:
        runs: the records of each, in order.
    """
    rows = axes.distinct([row for run in runs for row in speed_rows.rows(run)])
    labels = labels_of([row for row in rows if not row.is_reference]) or labels_of(rows)
    references = dict.fromkeys(row.reference for row in rows)
    shown = large.settings(rows, large.MOST_SECTIONS)
    drawn = large.settings(rows, large.MOST_FIGURES)
    return Part(
        title="Speed",
        headline=f"Speed of {facts.listed(large.names(labels))} against {facts.listed(list(references))}",
        warnings=(*setting.warnings(rows), *setting.left_out(rows)),
        protocol=_protocol(runs, rows),
        sections=tuple(_section(name, some, runs, drawn=name in drawn) for name, some in shown.items()),
        overview=tuple(_overview(rows)),
        facts=setting.about(rows, runs),
    )


def _overview(rows: Sequence[SpeedRow]) -> list[Drawing]:
    caption = "Time ratio of all networks: a row of panels for each, training and inference side by side."
    alt = f"{caption} The sections hold the numbers."
    return [Drawing("figure4", caption, alt, figure, wide=True) for figure in figures.overview(rows)]


def _section(
    name: str, rows: Sequence[SpeedRow], runs: Sequence[Sequence[Record]], *, drawn: bool
) -> Section:
    rows = sorted(rows, key=lambda row: list(PHASES).index(row.phase))
    drawings = []
    # A large run has figures of its first settings alone.
    for kind, phase, figure in panels.by_phase(rows) if drawn else ():
        of_phase = [row for row in rows if row.phase == phase]
        words = {
            "phase": PHASES[phase], "reference": of_phase[0].reference, "floors": _floors(of_phase),
            "says": ". ".join(large.first(verdict_lines(of_phase))) + ".",
        }  # fmt: skip
        title, marks, shows = (texts[kind].format(**words) for texts in (_TITLES, _MARKS, _SHOWS))
        dotted = bool(figure.get_suptitle())
        file = file_name(f"{kind}-{phase}", name)
        drawings.append(
            Drawing(
                file,
                f"{title}. {marks[0].upper()}{marks[1:]}.",
                f"{title}. {_DOTS if dotted else shows}",
                figure,
                wide=kind == "implementations" or dotted,
            )
        )
    return Section(
        title=setting.title(rows, name),
        says=large.first(verdict_lines(rows)),
        drawings=tuple(drawings),
        tables=tuple(_tables(rows, name)),
        failed=large.first(tables.notes(rows)),
        notes=(*setting.remarks(rows), *_rates(rows)),
        facts=setting.about(rows, runs),
    )


def _rates(rows: Sequence[SpeedRow]) -> list[str]:
    """What must be said of firing rates."""
    told = any(row.firing_rate is not None and row.weights == "untrained" for row in rows)
    return ["firing rates are those of untrained weights"] * told


def _tables(rows: Sequence[SpeedRow], name: str) -> list[Table]:
    """The tables of ratios, then those of all cases, so that the phases stand beside each other."""
    ratios, cases = [], []
    for phase in (phase for phase in PHASES if phase in phases_of(rows)):
        of_phase = [row for row in rows if row.phase == phase]
        word, reference = PHASES[phase], of_phase[0].reference
        caption = f"Time ratio t_{reference} / t_neuron in {word} with its 95 % interval"
        if any(row.ratio is not None for row in of_phase):
            ratios.append(ratio_tables.by_steps(of_phase, file_name(f"ratios-{phase}", name), caption))
        caption = f"All cases of {word}; time: median of a call, 5 % and 95 % quantiles"
        cases.append(grids.full(of_phase, COLUMNS, file_name(f"cases-{phase}", name), caption))
    return ratios + cases


def _floors(rows: Sequence[SpeedRow]) -> str:
    floors = [row.noise_floor for row in rows if row.noise_floor is not None]
    return f" (±{percent(min(floors))} to ±{percent(max(floors))})" if floors else " (unknown)"


def _protocol(runs: Sequence[Sequence[Record]], rows: Sequence[SpeedRow]) -> dict[str, str]:
    """How was measured, with what the records say about it."""
    blocks = [record for run in runs for record in run if isinstance(record, Block)]
    timed = [row for row in rows if row.status == "ok"]
    checked = [row for row in timed if row.verified]
    stopped = [block.stopped for block in blocks if block.stopped]
    ends = ", ".join(f"{stopped.count(word)} by {word}" for word in sorted(set(stopped)))
    rounds = sum(block.rounds for block in blocks)
    faults = sum(sum(block.faults) for block in blocks)
    dropped = sum(sum(block.dropped.values()) for block in blocks)
    return {
        "cases": f"{len(timed)} of {len(rows)} have a time",
        "verified": f"{len(checked)} of {len(timed)} timed cases agree with a slow float64 reference",
        "order": "all neurons of a block in every round, in freshly shuffled order",
        "ratio": "median over the rounds of t_reference / t_neuron; interval: Student's t over processes, "
        "of a single process the order statistics of its rounds",
        "noise": "the reference runs twice in every round; a ratio whose interval touches that noise is ≈",
        "rounds": f"{rounds} in {len(blocks)} blocks, ended {ends}",
        "page faults": f"{faults} while time was taken",
        "dropped rounds": f"{dropped}, in which the device was throttled" if dropped else "none",
    }
