"""The cases of two records side by side, and what of them is tested at which margin."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psubench.compare import exact
from psubench.compare.decide import Rule
from psubench.compare.evidence import Evidence, Pair, Summary
from psubench.compare.families import Family, families
from psubench.compare.gating import case_name, check_gate, matches
from psubench.compare.outliers import undisturbed
from psubench.compare.work import UNCOUNTED, Counts, verdict
from psubench.errors import NOT_COMPARABLE, PsubenchError

CARRIED = ("device", "dtype")
"""Fields that may differ between two paired cases, which are then reported as not comparable."""
CPU_MARGIN, GPU_MARGIN = 0.03, 0.02
WIDER = 3.0
"""Multiple of the margin between two machines, on which the ratio of a loop to a product differs."""


@dataclass(frozen=True)
class Match:
    """The cases of two records side by side, and what is to be tested.

    Attributes:
        pairs: by key; None where a record lacks the case.
        families: by key, the neurons with several cases, if they are tested as a whole.
        margin: as a relative change.
        notes: sentences about the records as a whole.
        decided: by key, verdict and reason of cases that need no clock.
        turns: of looks; then those cases are not tested, and else they help to judge the reference.
    """

    pairs: Mapping[str, tuple[Evidence | None, Evidence | None]]
    families: Mapping[str, Family]
    rule: Rule
    margin: float
    notes: tuple[str, ...]
    decided: Mapping[str, tuple[str, str]]
    turns: Sequence[range]

    @property
    def tested(self) -> dict[str, Pair]:
        """Cases that time decides: both records have them, they failed in neither; and the families."""
        cases = _both_ok(self.pairs, self.decided if self.turns else ())
        return {**cases, **{key: family.pair for key, family in self.families.items()}}

    def cases_of(self, keys: Iterable[str]) -> list[Evidence]:
        """Of the new side, in the order of the plan: the cases themselves and the members of the families."""
        wanted = {
            member
            for key in keys
            for member in (self.families[key].members if key in self.families else [key])
        }
        return [new for key, (_, new) in self.pairs.items() if key in wanted and new is not None]


def match(
    base: Summary,
    new: Summary,
    margin: float | None,
    gate: Sequence[str],
    *,
    turns: Sequence[range],
    counts: Counts = UNCOUNTED,
) -> Match:
    """The cases that `compare` compares; same arguments.

    Args:
        turns: of looks, the processes of each: then the reference is the fixed work, not a case, and
            all cases of a neuron are also tested as a whole.
        counts: instructions of cases whose fingerprints differ.
    """
    before = {key: replace(one, status="ok") if one.lost else one for key, one in base.cases.items()}
    after = new.cases
    notes = exact.machines(base.header, new.header)
    if margin is None:
        margin = GPU_MARGIN if any(_on_gpu(one) for one in after.values()) else CPU_MARGIN
    margin *= WIDER if notes else 1.0
    pairs = _pairs(before, after, drop_reference=bool(turns))
    if turns:
        pairs = {**pairs, **undisturbed(_both_ok(pairs), turns)}
    check_gate(gate, [case_name(one.label, one.case) for b, n in pairs.values() if (one := n or b)])
    gated = {key for key, (b, n) in pairs.items() if _gated(n or b, gate)}
    decided = {
        key: told
        for key, (b, n) in _both_ok(pairs).items()
        if not notes and (told := verdict(b, n, counts)) is not None
    }
    together = families(_both_ok(pairs, decided)) if turns else {}
    gated |= {key for key, family in together.items() if gated.issuperset(family.members)}
    neurons = tuple(frozenset({key, *family.members}) for key, family in together.items())
    changed = _changed(_both_ok(pairs), together, same_machine=not notes)
    rule = Rule(math.log1p(margin), not notes, frozenset(gated), neurons, changed)
    return Match(pairs, together, rule, margin, tuple(notes), decided, turns)


def _changed(
    cases: Mapping[str, Pair], together: Mapping[str, Family], *, same_machine: bool
) -> frozenset[str]:
    """Keys of cases with other exact values, and of families that have one."""
    found = {key for key, pair in cases.items() if exact.differences(*pair, same_machine=same_machine)}
    return frozenset(
        found | {key for key, family in together.items() if not found.isdisjoint(family.members)}
    )


def _both_ok(
    pairs: Mapping[str, tuple[Evidence | None, Evidence | None]], without: Container[str] = ()
) -> dict[str, Pair]:
    left = ((key, *pair) for key, pair in pairs.items() if key not in without)
    known = ((key, b, n) for key, b, n in left if b is not None and n is not None)
    return {key: (b, n) for key, b, n in known if b.status == n.status == "ok"}


def _pairs(
    before: Mapping[str, Evidence], after: Mapping[str, Evidence], *, drop_reference: bool
) -> dict[str, tuple[Evidence | None, Evidence | None]]:
    """Cases of either record by key, side by side."""
    pairs: dict[str, tuple[Evidence | None, Evidence | None]] = {
        key: (before.get(key), one) for key, one in after.items()
    }
    elsewhere = {_place(one.case): key for key, one in after.items() if key not in before}
    for key, one in before.items():
        if key in after:
            continue
        same = elsewhere.get(_place(one.case))
        if same is not None:
            pairs[same] = (one, after[same])
        else:
            pairs[key] = (one, None)
    pairs = {key: pair for key, pair in pairs.items() if any(one and one.status != "skipped" for one in pair)}
    if drop_reference:
        pairs = {key: pair for key, pair in pairs.items() if not _is_reference(pair)}
    if not any(b is not None and n is not None for b, n in pairs.values()):
        raise PsubenchError(
            "the two records have no case in common",
            "measure both with the same options",
            NOT_COMPARABLE,
        )
    return pairs


def _place(case: Mapping[str, Any]) -> str:
    """A case without the fields that may differ between paired cases."""
    return json.dumps({name: value for name, value in case.items() if name not in CARRIED}, sort_keys=True)


def _is_reference(pair: tuple[Evidence | None, Evidence | None]) -> bool:
    return any(one is not None and one.is_reference for one in pair)


def _on_gpu(one: Evidence) -> bool:
    return str(one.case.get("device", "")).startswith("cuda")


def _gated(one: Evidence | None, gate: Iterable[str]) -> bool:
    assert one is not None
    return any(matches(case_name(one.label, one.case), pattern) for pattern in gate)
