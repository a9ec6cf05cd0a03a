"""Figures as SVG inside a page: no id twice, no style that leaks, and colours that follow light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from psubench.render.figures import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = "#171a1f"
"""What white becomes in the dark."""
INK = "#e6e8eb"
"""What black becomes in the dark."""
CONTRAST = 4.5
"""Of a line's or bar's colour to the dark paper: what WCAG 2 asks of small text, and more than of figures."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")


def inline(figure: Figure, name: str, alt: str) -> str:
    """A figure as an `svg` element for a page.

    Args:
        name: unique in the page; what its ids begin with.
        alt: what the figure shows.
    """
    root = ElementTree.fromstring(save.encoded(figure, "svg"))
    used = {found for element in root.iter() for found in _referred(element)}
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        attributes = {_local(key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(_attributes(attributes, name, used))
    root.set("style", "fill: var(--c-000000)")  # of letters, which have no colour of their own
    root.set("role", "img")
    root.set("aria-label", alt)
    for size in ("width", "height", "version"):
        root.attrib.pop(size, None)
    root.tail = None
    return re.sub(r">\s+<", "><", ElementTree.tostring(root, encoding="unicode"))


def size(figure: Figure) -> float:
    """The width of a figure in CSS pixels, at which its letters have the size that they have in print."""
    return float(figure.get_figwidth()) * 96


def colours(markup: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Name of the CSS variable -> colour in the light and in the dark, for all that the figures use."""
    names = sorted({found for text in markup for found in re.findall(r"var\(--c-([0-9a-f]{6})\)", text)})
    return {f"--c-{name}": (f"#{name}", dark(f"#{name}")) for name in names}


def dark(colour: str) -> str:
    """The same colour for a dark page: greys are turned around, others made lighter until they stand out."""
    rgb = _rgb(colour)
    if max(rgb) - min(rgb) < 12:
        share = sum(rgb) / (3 * 255)
        return _hex([ink + (paper - ink) * share for ink, paper in zip(_rgb(INK), _rgb(PAPER), strict=True)])
    mixed = list(rgb)
    while contrast(_hex(mixed), PAPER) < CONTRAST:
        mixed = [value + (255 - value) * 0.04 for value in mixed]
    return _hex(mixed)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours by WCAG 2, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in _rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: str) -> list[float]:
    return [float(int(colour[place : place + 2], 16)) for place in (1, 3, 5)]


def _hex(rgb: Iterable[float]) -> str:
    return "#" + "".join(f"{round(value):02x}" for value in rgb)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _referred(element: ElementTree.Element) -> list[str]:
    values = [v for key, v in element.attrib.items() if _local(key) != "id"]
    return [one or other for value in values for one, other in _REFERENCE.findall(value)]


def _attributes(given: dict[str, str], name: str, used: set[str]) -> dict[str, str]:
    """Ids with the figure's name before them; colours as variables, which only a style may hold."""
    found, style = {}, []
    for key, value in given.items():
        if key == "id":
            if value in used:
                found["id"] = f"{name}-{value}"
        elif key in ("fill", "stroke"):
            style.append(f"{key}: {value}")
        elif key == "style":
            style.append(value)
        elif key == "d":  # hundredths of a point: hatches of circles are most of a figure's bytes
            found[key] = _NUMBER.sub(
                lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value
            ).strip()
        else:
            found[key] = _prefixed(value, name)
    if style:
        text = _COLOUR.sub(lambda match: f"var(--c-{match[0][1:].lower()})", "; ".join(style))
        found["style"] = _prefixed(text, name)
    return found


def _prefixed(value: str, name: str) -> str:
    if value.startswith("#"):
        return f"#{name}-{value[1:]}"
    return value.replace("url(#", f"url(#{name}-")
