"""Trainings as tables: the terminal's, CSV, JSON, Markdown and LaTeX, all from one list of columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psubench.errors import PsubenchError, nearest, one_line
from psubench.experiments import outputs
from psubench.experiments.accuracy import published
from psubench.experiments.accuracy.published import Published
from psubench.experiments.paired.columns import SECONDS, UNKNOWN, Row, marked, unit_of
from psubench.render import escape, terminal

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

_AXES = ("model", "data", "T", "epochs", "device", "threads")
_COUNTS: Mapping[str, float] = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}
_PICO: Mapping[str, float] = {"p": 1.0, "n": 1e3, "µ": 1e6, "m": 1e9}
PUBLISHED = ("data", "neuron", "T", "accuracy %", "source")
"""Heads of the table of published accuracies."""
RULE = "accuracy on the test split after the last epoch; mean ± standard deviation over n seeds"


@dataclass(frozen=True)
class Column:
    """One fact about the trainings of a neuron.

    Attributes:
        name: key of the row, and the header in CSV and JSON.
        header: its head in tables, which may break where it has a line break; None where tables do not
            have it.
        text: how tables show it.
    """

    name: str
    header: str | None = None
    text: Callable[[Row], str] = lambda _: UNKNOWN


def _plain(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row[name] is None else str(row[name])


def _axis(name: str) -> Column:
    return Column(name, name, _plain(name))


def _accuracy(row: Row) -> str:
    if row["accuracy"] is None:
        return str(row["status"])
    deviation = row["accuracy_sd"]
    return f"{100 * row['accuracy']:.1f}" + ("" if deviation is None else f" ± {100 * deviation:.1f}")


def _scaled(name: str, prefixes: Mapping[str, float], unit: str = "") -> Callable[[Row], str]:
    """Three digits with the prefix that leaves one to three of them before the point."""

    def text(row: Row) -> str:
        value = row[name]
        if value is None:
            return UNKNOWN
        fitting = [prefix for prefix, size in prefixes.items() if value >= size] or list(prefixes)[:1]
        return f"{value / prefixes[fitting[-1]]:.3g} {fitting[-1]}{unit}".strip()

    return text


def _time(row: Row) -> str:
    if row["epoch_s"] is None:
        return UNKNOWN
    unit = unit_of(row["epoch_s"])
    return f"{row['epoch_s'] / SECONDS[unit]:.3g} {unit}"


def _rate(row: Row) -> str:
    return UNKNOWN if row["firing_rate"] is None else f"{row['firing_rate']:.3f}"


def _memory(row: Row) -> str:
    return UNKNOWN if row["peak_memory_bytes"] is None else f"{row['peak_memory_bytes'] / 2**20:.0f}"


COLUMNS: tuple[Column, ...] = (
    Column("kind"),
    _axis("model"),
    _axis("data"),
    Column("neuron"),
    Column("implementation"),
    Column("label", "neuron", marked),
    _axis("T"),
    _axis("epochs"),
    _axis("device"),
    _axis("threads"),
    Column("status"),
    Column("accuracy", "accuracy %", _accuracy),
    Column("accuracy_sd"),
    Column("n", "n", _plain("n")),
    Column("test_samples"),
    Column("train_accuracy"),
    Column("firing_rate", "firing\nrate", _rate),
    Column("spikes_per_sample"),
    Column("sop_eff_per_sample", "SOP /\nsample", _scaled("sop_eff_per_sample", _COUNTS)),
    Column("energy_pj_per_sample", "energy /\nsample", _scaled("energy_pj_per_sample", _PICO, "J")),
    Column("dynamics_energy_pj_per_sample"),
    Column("energy_model"),
    Column("policy"),
    Column("epoch_s", "time /\nepoch", _time),
    Column("data_s"),
    Column("samples_per_s"),
    Column("parameters"),
    Column("peak_memory_bytes", "peak\nMiB", _memory),
    Column("message"),
    Column("run_id"),
)


def caption(rows: Sequence[Row]) -> str:
    """One sentence: what is equal in all rows, and what the accuracy is."""
    facts = [f"{name} {rows[0][name]}" for name in _AXES if len({row[name] for row in rows}) == 1]
    return "; ".join([", ".join(facts), RULE] if facts else [RULE])


def shown(rows: Sequence[Row]) -> list[Column]:
    """The columns that a table needs: axes that differ, results that are known."""
    several = {name for name in _AXES if len({row[name] for row in rows}) > 1}
    return [
        column
        for column in COLUMNS
        if column.header is not None
        and (column.name in several if column.name in _AXES else any(column.text(r) != UNKNOWN for r in rows))
    ]


def notes(rows: Sequence[Row]) -> list[str]:
    """What was done to the data, and why trainings have no result."""
    return [*remarks(rows), *doubts(rows), *failures(rows)]


def remarks(rows: Sequence[Row]) -> list[str]:
    """What was done to the data, and by which model energy was estimated."""
    changed = dict.fromkeys(f"{row['data']}: {row['note']}" for row in rows if row["note"])
    models = dict.fromkeys(
        (r["energy_model"], r["policy"]) for r in rows if r["energy_pj_per_sample"] is not None
    )
    estimates = [
        f"energy is an estimate, by {name}, {policy}; `list energy-models` has its source"
        for name, policy in models
    ]
    return [*changed, *outputs.lines(rows), *estimates]


def doubts(rows: Sequence[Row]) -> list[str]:
    """Why results are not verified."""
    return [
        f"{row['label']} on {row['data']}: unverified: {row['doubt']}"
        for row in rows
        if row["status"] == "ok" and row.get("doubt")
    ]


def failures(rows: Sequence[Row]) -> list[str]:
    """What went wrong in trainings: why they have no result, or what of it could not be written."""
    return [
        f"{row['label']} on {row['data']}: {row['status']}: {one_line(row['message'])}"
        for row in rows
        if row["message"]
    ]


def show(rows: Sequence[Row], console: Console | None = None) -> None:
    """Prints the measured table, what went wrong, and under a head of its own what others published.

    Args:
        rows: of `accuracy.summary`.
        console: standard output by default.
    """
    from rich.text import Text

    console = console or terminal.console()
    known = terminal.letters(console)
    columns = shown(rows)
    console.print(Text(known(caption(rows)) + "\n"))
    cells = [[column.text(row) for column in columns] for row in rows]
    ends = [after is not None and after["data"] != row["data"] for row, after in _pairs(rows)]
    _print(console, [(c.header or "", c.name in ("label", *_AXES)) for c in columns], cells, ends)
    for note in notes(rows):
        console.print(Text(f"\n{known(note)}"))
    if others := published.on(row["data"] for row in rows):
        console.print(
            Text("\npublished, by the authors of the source, with networks of their own; not measured here\n")
        )
        heads = [(head, head not in ("T", "accuracy %")) for head in PUBLISHED]
        _print(console, heads, [published_texts(p) for p in others], [False] * len(others))


def _pairs(rows: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    return list(zip(rows, [*rows[1:], None], strict=True))


def published_texts(number: Published) -> list[str]:
    """What a table shows of a published accuracy, under the heads `PUBLISHED`."""
    T = UNKNOWN if number.T is None else str(number.T)
    return [number.data, number.neuron, T, f"{100 * number.accuracy:.2f}", number.source]


def _print(
    console: Console, heads: Sequence[tuple[str, bool]], cells: Sequence[Sequence[str]], ends: Sequence[bool]
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    known = terminal.letters(console)
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    for head, left in heads:
        table.add_column(
            Text(head), justify="left" if left else "right", overflow="fold", no_wrap=head != "source"
        )
    for row, end in zip(cells, ends, strict=True):
        table.add_row(*(Text(known(cell)) for cell in row), end_section=end)
    console.print(table)


def render(rows: Sequence[Row], format: str) -> str:
    """The measured rows as csv, json, markdown or latex; published numbers follow in a table of their own
    where the format has room for one, and in JSON and CSV they are left out."""
    if format not in FORMATS:
        raise PsubenchError(f'unknown format "{format}"', nearest(format, FORMATS))
    return FORMATS[format](rows).rstrip("\n") + "\n"


def to_csv(rows: Sequence[Row]) -> str:
    """One line per row; fractions, seconds and bytes as they are, unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in COLUMNS])
    writer.writerows([escape.csv(row[column.name]) for column in COLUMNS] for row in rows)
    return text.getvalue()


def to_json(rows: Sequence[Row]) -> str:
    """A list of objects, with the seeds of each; unknown is null."""
    objects = [
        {column.name: row[column.name] for column in COLUMNS} | {"seeds": row["seeds"]} for row in rows
    ]
    return escape.json_text(objects, indent=1)


def _grids(rows: Sequence[Row]) -> list[tuple[str, pd.DataFrame]]:
    import pandas as pd

    columns = shown(rows)
    grid = pd.DataFrame(
        {" ".join((c.header or "").split()): [c.text(row) for row in rows] for c in columns}, dtype=object
    )
    grids = [(f"{caption(rows)}.", grid)]
    if others := published.on(row["data"] for row in rows):
        grids.append(
            ("Published, not measured here.", pd.DataFrame(map(published_texts, others), columns=PUBLISHED))
        )
    return grids


def to_markdown(rows: Sequence[Row]) -> str:
    """The measured table, then the published one, then what has no result."""
    parts = []
    for title, grid in _grids(rows):
        shown_grid = grid.map(escape.markdown).to_markdown(index=False, disable_numparse=True)
        parts += [escape.markdown(title), shown_grid]
    return "\n\n".join([*parts, *(f"- {escape.markdown(note)}" for note in notes(rows))])


def to_latex(rows: Sequence[Row]) -> str:
    """The measured table, then the published one, then what has no result."""
    text = ""
    for title, grid in _grids(rows):
        # pandas escapes cells and heads, not the caption
        text += grid.map(escape.cell).to_latex(
            index=False,
            escape=True,
            caption=escape.latex(escape.cell(title)),
            column_format="l" * len(grid.columns),
        )
    for letter, command in {"±": r"$\pm$", "µ": r"\textmu{}"}.items():
        text = text.replace(letter, command)
    return text + "".join(f"% {escape.cell(note)}\n" for note in notes(rows))


FORMATS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "csv": to_csv,
    "json": to_json,
    "markdown": to_markdown,
    "latex": to_latex,
}
