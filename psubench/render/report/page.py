"""Parts as one HTML page that needs nothing beside it: figures, style and script stand in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from psubench import __version__
from psubench.records.structs import Record
from psubench.render import escape
from psubench.render.axes import file_name
from psubench.render.report import facts, svg
from psubench.render.report.parts import Drawing, Part, Table

NAME = "report.html"
LONGEST = 12
"""Rows of a table that is not folded."""
Records = Sequence[Record]


def render(parts: Sequence[Part], runs: Sequence[Records]) -> str:
    """The page; the same records give the same text.

    Args:
        runs: the records of each run that the parts show.
    """
    return filled(
        "page.html.jinja",
        parts,
        runs=[facts.name(run) for run in runs],
        ended=[facts.ended(run) for run in runs],
        keys=[key for key in _side_by_side([facts.captions(run) for run in runs]) if key[0] != "run"],
        machine=_side_by_side([facts.machine(run) for run in runs]),
        settings=_side_by_side([facts.settings(run) for run in runs]),
        commands=_commands(runs),
    )


def filled(template: str, parts: Sequence[Part], **more: Any) -> str:
    """A template with parts, their figures, and what else it needs."""
    import jinja2

    source = files(__package__)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        finalize=_shown,
        loader=jinja2.FunctionLoader(lambda name: source.joinpath(name).read_text(encoding="utf-8")),
    )  # fmt: skip
    environment.globals.update(anchor=_anchor, starts=_starts, zip=zip)
    drawn = _drawn(parts)
    text: str = environment.get_template(template).render(
        title=_title(parts),
        parts=parts,
        svg=drawn,
        sizes={d.name: svg.size(d.figure) for part in parts for d in _drawings(part)},
        colours=svg.colours(drawn.values()),
        style=source.joinpath("page.css").read_text(encoding="utf-8"),
        script=source.joinpath("page.js").read_text(encoding="utf-8"),
        longest=LONGEST,
        version=__version__,
        **more,
    )
    return text


def _shown(value: Any) -> Any:
    """A text of a record without control characters; what is markup stays."""
    return escape.printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _title(parts: Sequence[Part]) -> str:
    """What was asked; of several kinds, which they are."""
    if len(parts) == 1:
        return parts[0].headline
    first, *rest = (part.title for part in parts)
    return facts.listed([first, *(title.lower() for title in rest)])


def _drawings(part: Part) -> list[Drawing]:
    return [*part.overview, *(drawing for section in part.sections for drawing in section.drawings)]


def _drawn(parts: Sequence[Part]) -> dict[str, str]:
    """The markup of every figure by its name."""
    return {d.name: svg.inline(d.figure, _anchor(d.name), d.alt) for part in parts for d in _drawings(part)}


def _anchor(text: str) -> str:
    """A text as an id that may stand in an address."""
    return file_name("", text.lower()).replace(".", "-")


def _starts(table: Table) -> list[bool]:
    """For every row whether a new group begins with it."""
    if table.groups is None:
        return [False] * len(table.rows)
    texts = [row[table.groups].text for row in table.rows]
    return [number > 0 and text != texts[number - 1] for number, text in enumerate(texts)]


def _side_by_side(columns: Sequence[Mapping[str, str]]) -> list[tuple[str, list[str], bool]]:
    """Fact, its text in each run, and whether the runs differ in it."""
    names = dict.fromkeys(name for column in columns for name in column)
    rows = [(name, [column.get(name, facts.NOT_APPLICABLE) for column in columns]) for name in names]
    return [(name, texts, len(set(texts)) > 1) for name, texts in rows]


def _commands(runs: Sequence[Records]) -> list[str]:
    """What makes the runs again, and then this page, where the runs' commands say into which folders."""
    lines = [line for run in runs for line in facts.commands(run)]
    folders = [facts.folder(run) for run in runs]
    names = [folder or f"RUN{number}" for number, folder in enumerate(folders, 1)]
    return list(dict.fromkeys([*lines, shlex.join(["psubench", "report", *names])]))
