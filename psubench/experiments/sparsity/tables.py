"""A sparsity run as tables: one per case with its layers, one with all totals, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from psubench.errors import one_line
from psubench.experiments import outputs
from psubench.experiments.paired.columns import Row, marked
from psubench.experiments.sparsity.columns import Show, number, shown
from psubench.experiments.sparsity.rows import flat, total
from psubench.render import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

Case = Mapping[str, Any]
LEGEND = (
    "SOPs: effective synaptic operations; graded: share whose input is neither 1 nor -1; of dense: share of"
    " the operations that an input without zeros would cause; *: its input is the data"
)
_LONGEST = 14  # letters of a cell that is not broken
_AXES = ("model", "data", "batch", "device", "dtype", "weights")


def show(cases: Sequence[Case], console: Console | None = None) -> None:
    """Prints what the cases share, a table for each, one of all totals, and what they say.

    Args:
        cases: as `psubench.experiments.sparsity.rows.cases` gives them.
        console: standard output by default; 80 columns wide if that is not a terminal.
    """
    console = console or terminal.console()
    known = terminal.letters(console)

    def say(text: str, style: str = "") -> None:
        console.print(known(text), markup=False, highlight=False, style=style)

    say(f"{caption(cases)}.")
    counted = [case for case in cases if case["layers"]]
    for case in counted:
        say(f"\n{title(case)}", "bold")
        console.print(_table(flat([case]), Show.LAYERS, known))
    if counted:
        rows = [row for row in flat(counted) if row["role"] == "total"]
        say(f"\nall layers{weights_of(counted)}", "bold")
        console.print(_table(rows, Show.TOTALS, known))
    for lines in (notes(cases), [LEGEND] * bool(counted) + estimates(cases), verdict_lines(cases)):
        if lines:
            say("\n" + "\n".join(f"{line}." for line in lines))


def title(case: Case) -> str:
    """`psn, T = 10, UNTRAINED weights`: a case among those of a run."""
    return f"{marked(case)}, T = {case['T']}{weights_of([case])}"


def weights_of(cases: Sequence[Case]) -> str:
    """`, UNTRAINED weights`, loud; trained ones say where they come from."""
    texts = dict.fromkeys(
        "UNTRAINED weights" if c["weights"] == "untrained" else f"weights {c['weights']}" for c in cases
    )
    return f", {' / '.join(texts)}"


def caption(cases: Sequence[Case]) -> str:
    """What is equal in all cases, and of what the counts are."""
    values = {name: dict.fromkeys(str(case[name]) for case in cases) for name in _AXES}
    words = [f"{name} {next(iter(found))}" for name, found in values.items() if len(found) == 1]
    counted = next((case for case in cases if case["layers"]), None)
    if counted is not None:
        n_samples = counted["layers"][-1]["n_samples"]
        words.append(f"counts per sample over T steps, mean of {n_samples} {counted['split']} samples")
        if counted["calibrated_layers"]:
            words.append("normalisation calibrated on training samples")
        words += [counted["note"]] if counted["note"] else []
    runs = dict.fromkeys(case["run_id"] for case in cases)
    return ", ".join([*words, f"run {' '.join(runs)}"]).replace("untrained", "UNTRAINED")


def _table(rows: Sequence[Row], where: Show, known: Callable[[str], str]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold"
    )
    texts = []
    for column in shown(rows, where):
        header, cells = column.cells(rows)
        justify: Literal["left", "right"] = "right" if column.right else "left"
        # What may break is what may be long; a folded cell is hard to read but whole.
        short = column.name != "complete" and max(map(len, cells)) <= _LONGEST
        table.add_column(Text(known(header)), justify=justify, overflow="fold", no_wrap=short)
        texts.append(cells)
    group = "T" if where is Show.TOTALS else "role"
    for place, (row, line) in enumerate(zip(rows, zip(*texts, strict=True), strict=True)):
        after = rows[place + 1] if place + 1 < len(rows) else row
        ends = after[group] != row[group] and (group == "T" or after["role"] == "total")
        style = "" if row["complete"] else "yellow"
        table.add_row(*(Text(known(cell), style) for cell in line), end_section=ends)
    return table


def notes(cases: Sequence[Case]) -> list[str]:
    """Why cases have no numbers, what could not be counted, and who is silent."""
    found = []
    for case in cases:
        if case["status"] != "ok":
            found.append(f"{title(case)}: {case['status']}: {one_line(str(case['message']))}")
        elif case.get("doubt"):
            found.append(f"{title(case)}: {case['doubt']}")
        whole = total(case)
        if whole is not None and whole["neuron_steps"] and whole["spikes"] == 0:
            found.append(f"{title(case)}: no neuron fires, so that its counts say little")
        for row in case["layers"]:
            if row["role"] != "total" and not row["complete"]:
                found.append(f"{title(case)}: layer {row['layer']} is incomplete: {_missing(row)}")
            if row["role"] != "total" and row.get("unfolded"):
                what = ", ".join(row["unfolded"])
                found.append(f"{title(case)}: layer {row['layer']}: pooling was not folded: {what}")
    return found + outputs.lines(cases)


def _missing(row: Row) -> str:
    """Operations of torch by name, other causes in words."""
    operations = [text for text in row["uncounted"] if " " not in text]
    causes = [text for text in row["uncounted"] if " " in text]
    return ", ".join([*([f"no rule for {', '.join(operations)}"] if operations else []), *causes])


def estimates(cases: Sequence[Case]) -> list[str]:
    """By which model energy was estimated, from which source, under which policies, and without what."""
    lines = []
    for case in (case for case in cases if case["layers"]):
        model = case["energy_model"]
        doubt = "" if model.verified else ", not verified"
        without = "" if model.omits == "-" else f"; it leaves out {model.omits}"
        policy = f"policies first layer {case['first_layer']}, average pooling {case['pooling']}"
        lines.append(f"energy is an estimate by {model.name} ({model.source}{doubt}); {policy}{without}")
    return list(dict.fromkeys(lines))


def verdict_lines(cases: Sequence[Case]) -> list[str]:
    """Per case, what a neuron and what its synapses cost by the estimate, or that it is unknown."""
    lines = []
    for case in cases:
        row = total(case)
        if row is None or not row["neuron_steps"]:
            continue
        neurons = row["neuron_steps"] / case["T"]  # over all samples
        own, synapses = row["dynamics_energy_pj"], row["synapse_energy_pj"]
        parts = [
            f"{'unknown' if value is None else _pj(value / neurons)} for {what}"
            for what, value in (("the neuron itself", own), ("its synapses", synapses))
        ]
        times = "" if own is None or not synapses else f" (ratio {number(own / synapses)})"
        lines.append(
            f"{case['label']}, T = {case['T']}: estimated per neuron and sample"
            f"{weights_of([case])}: {' and '.join(parts)}{times}"
        )
    return lines


def _pj(picojoule: float) -> str:
    """Not in a larger unit, so that figures of different neurons line up."""
    return f"{picojoule:,.0f} pJ" if picojoule >= 100 else f"{number(picojoule)} pJ"
