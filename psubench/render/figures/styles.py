"""How each neuron looks in every figure: told apart by colour, or in grey by marker, dash and hatch."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Style(NamedTuple):
    """Colour, marker, dash pattern and hatch, as matplotlib writes them; `hollow` markers for the rest."""

    color: str
    marker: str
    dash: str | tuple[int, tuple[int, ...]]
    hatch: str
    hollow: bool = False


_SOLID = "-"
_SHORT = (0, (4, 1))
_DOTS = (0, (1, 1))
_DASH_DOT = (0, (5, 1, 1, 1))
# The colours of Okabe and Ito (2008), which people with any kind of colour blindness tell apart; black is
# kept for the LIF neuron. Neurons that share a colour are never in the default comparison together.
_BUILT_IN: Mapping[str, Style] = {
    "lif": Style("#000000", "o", _SOLID, ""),
    "psn": Style("#E69F00", "s", _SHORT, "////"),
    "psu": Style("#0072B2", "^", _SOLID, ""),
    "ipsu": Style("#009E73", "D", _SHORT, "...."),
    "rpsu": Style("#D55E00", "v", _DASH_DOT, "\\\\\\\\"),
    "plif": Style("#CC79A7", "P", _SOLID, "xxxx"),
    "masked-psn": Style("#56B4E9", "p", _DASH_DOT, "----"),
    "sliding-psn": Style("#F0E442", "X", _SHORT, "||||"),
    "if": Style("#7F7F7F", "h", _DOTS, "++++"),
    "lif-noreset": Style("#B3B3B3", "d", _DOTS, "oooo"),
    "spsn": Style("#882255", "<", _DOTS, "////"),
    "cuba-lif": Style("#332288", ">", _SOLID, "////"),
    "clif": Style("#117733", "H", _SOLID, "...."),
    "glif": Style("#44AA99", "8", _SHORT, "xxxx"),
    "adlif": Style("#999933", "1", _DASH_DOT, "++++"),
    "tc-lif": Style("#AA4499", "2", _SHORT, "----"),
    "ilif": Style("#661100", "3", _SOLID, "||||"),
    "ternary-lif": Style("#6699CC", "4", _DASH_DOT, "oooo"),
    "fpt": Style("#DDCC77", "+", _SHORT, "\\\\\\\\"),
    "prf": Style("#AA4466", "x", _DOTS, "...."),
    "pmsn": Style("#4477AA", "|", _DOTS, "xxxx"),
    "mulfree-psn": Style("#228833", "_", _DASH_DOT, "////"),
    "relu": Style("#CC3311", "*", _SOLID, "++++"),
    "quant-relu": Style("#EE7733", ".", _SHORT, "oooo"),
}
# For plug-ins, and for the built-in neurons with another implementation or other parameters.
_SPARE_COLORS = ("#332288", "#999933", "#44AA99", "#AA4499", "#661100", "#6699CC", "#DDCC77", "#117733")
_SPARE_MARKERS = ("o", "s", "^", "D", "v", "P", "p", "*")
_SPARE_DASHES = (_DOTS, _SHORT, _DASH_DOT, (0, (2, 2, 6, 2)))
_SPARE_HATCHES = ("xxxxxx", "......", "||||||", "//////", "++++++", "------", "ooo", "***")


_OUTPUT = re.compile(r" \[(?!step\]).*\]$")
"""The mark of outputs that are not spikes; a mode is another one, which has a style of its own."""


def styles(labels: Iterable[str]) -> dict[str, Style]:
    """A style per label, the same in every figure.

    A built-in neuron has its own. Others take what their name falls on: a variant such as `psu@scan`
    or `lif [step]` keeps the colour of its neuron. If two fall on the same, the later in the alphabet
    moves on.
    """
    found: dict[str, Style] = {}
    taken: set[str] = set()
    for label in sorted(set(labels)):
        if (name := _OUTPUT.sub("", label)) in _BUILT_IN:
            found[label] = _BUILT_IN[name]
            continue
        start = zlib.crc32(label.encode())
        free = (_spare(label, start + step) for step in range(len(_SPARE_MARKERS)))
        found[label] = next((style for style in free if style.marker not in taken), _spare(label, start))
        taken.add(found[label].marker)
    return found


def _spare(label: str, number: int) -> Style:
    family = _BUILT_IN.get(re.split(r"[@( ]", label)[0])
    return Style(
        family.color if family else _SPARE_COLORS[number % len(_SPARE_COLORS)],
        _SPARE_MARKERS[number % len(_SPARE_MARKERS)],
        _SPARE_DASHES[number % len(_SPARE_DASHES)],
        _SPARE_HATCHES[number % len(_SPARE_HATCHES)],
        hollow=True,
    )
