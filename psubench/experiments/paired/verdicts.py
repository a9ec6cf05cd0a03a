"""What the numbers say, in sentences; nothing is claimed that lies within the noise."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.ann import is_ann
from psubench.experiments.paired import axes
from psubench.experiments.paired.rows import Row, unclear, unverified, verdict
from psubench.render.axes import PHASES, phases_of
from psubench.render.numbers import ratio

_VERBS = {"train": "trains", "infer": "infers"}
_OTHER = {
    "≈": "no difference from {reference} beyond the noise",
    "unclear": "too few samples or too much noise to tell",
}


def verdict_lines(rows: Sequence[Row]) -> list[str]:
    """One sentence per neuron, phase and setting, in the order of the rows; none about a reference."""
    lines = []
    rows = axes.distinct(rows)
    for setting, group in axes.settings(rows).items():
        for phase in phases_of(group):
            of_phase = [row for row in group if row.phase == phase]
            by_label: dict[str, list[Row]] = {}
            for row in of_phase:
                by_label.setdefault(row.label, []).append(row)
            for some in by_label.values():
                of_neuron = [row for row in some if not row.is_reference]
                if of_neuron:
                    lines.append(_sentence(of_neuron) + (f" [{setting}]" if setting else ""))
    return lines


def beside_anns(rows: Sequence[Row]) -> list[str]:
    """A sentence per ANN and phase: which neurons are slower than it, or need more energy, at which T.

    Only where the whole interval lies beyond that of the ANN, each of the ratio to the reference.
    """
    lines, groups = [], dict[tuple[str, str], list[Row]]()
    rows = sorted(axes.distinct(rows), key=lambda row: row.T)
    for row in rows:
        if is_ann(row.neuron):
            groups.setdefault((row.label, row.phase), []).append(row)
    for (label, phase), anns in groups.items():
        slower: dict[str, list[Row]] = {}
        for one in anns:
            for row in rows:
                if _alike(row, one) and not is_ann(row.neuron):
                    slower.setdefault(row.label, []).extend([row] if _beyond(row, one) else [])
        by_T: dict[str, list[str]] = {}
        for neuron, some in slower.items():
            by_T.setdefault(_where(some, anns) if some else "not beyond the noise", []).append(neuron)
        found = "; ".join(f"{where}: {', '.join(some)}" for where, some in by_T.items())
        lines += [f"{PHASES[phase]}: {anns[0].CLAIMS['slower']} {label} {found}"] if found else []
    return lines


def _alike(row: Row, other: Row) -> bool:
    """Whether two rows differ in nothing but the neuron."""
    return row.mode == "layer" and all(
        getattr(row, name) == getattr(other, name) for name in row.AXES if name not in ("mode", "processes")
    )


def _beyond(row: Row, ann: Row) -> bool:
    low, high = (
        1.0 if one.is_reference else found for one, found in ((ann, ann.ratio_low), (row, row.ratio_high))
    )
    noise = row.noise_floor
    return low is not None and high is not None and noise is not None and high * (1 + noise) < low


def _sentence(rows: Sequence[Row]) -> str:
    rows = sorted(rows, key=lambda row: row.T)
    name = rows[0].label + (" (unverified)" if any(map(unverified, rows)) else "")
    reference = rows[0].reference
    by_word: dict[str, list[Row]] = {}
    for row in rows:
        by_word.setdefault(verdict(row), []).append(row)
    claims = [
        f"{claim} {reference} {_where(by_word[word], rows)}{_most(by_word[word])}"
        for word, claim in rows[0].CLAIMS.items()
        if word in by_word
    ]
    rest = [
        f"{_OTHER.get(word, word).format(reference=reference)} {_where(found, rows)}"
        for word, found in by_word.items()
        if word not in rows[0].CLAIMS
    ]
    verb = _VERBS[rows[0].phase]
    return "; ".join(
        [f"{name} {verb} {' and '.join(claims)}", *rest]
        if claims
        else [f"{name} {verb}: {rest[0]}", *rest[1:]]
    )


def _where(some: Sequence[Row], every: Sequence[Row]) -> str:
    if len(some) == len(every) > 2:
        return f"at every T from {every[0].T} to {every[-1].T}"
    return f"at T = {', '.join(str(row.T) for row in some)}"


def _most(some: Sequence[Row]) -> str:
    """The ratio farthest from 1 of those that are known well, and where it was found."""
    found = [(row.ratio, row.T) for row in some if row.ratio is not None and not unclear(row)]
    if not found:
        return ""
    value, T = max(found, key=lambda one: max(one[0], 1 / one[0]))
    return f" ({ratio(value)})" if len(some) == 1 else f" ({ratio(value)} at T = {T})"
