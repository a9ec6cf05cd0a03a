"""What the numbers say, in sentences; nothing is claimed that lies within the noise."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.experiments.paired import axes
from psubench.experiments.paired.rows import Row, unclear, unverified, verdict
from psubench.render.axes import phases_of
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
