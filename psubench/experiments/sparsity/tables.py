"""A sparsity run as tables: one per case with its layers, one with all totals, and what they say."""

from __future__ import annotations

from collections.abc import Sequence

from psubench.errors import one_line
from psubench.experiments import ann, outputs
from psubench.experiments.sparsity.columns import per_sample, shown
from psubench.experiments.sparsity.rows import Case, SparsityRow, flat
from psubench.records.counted import Layer
from psubench.render.column import Tone
from psubench.render.grid import Grid, Sheet
from psubench.render.numbers import significant

LEGEND = (
    "SOPs: effective synaptic operations; graded: share whose input is neither 1 nor -1; of dense: share of"
    " the operations that an input without zeros would cause; *: its input is the data"
)
_AXES = ("model", "data", "batch", "device", "dtype", "weights")


def sheet(cases: Sequence[Case]) -> Sheet:
    """What cases show: a table of the layers of each, one of all totals, and what they say."""
    counted = [case for case in cases if case.layers]
    blocks: list[Grid | Sequence[str]] = [layers(case) for case in counted]
    legend = [LEGEND, *estimates(cases)]
    if counted:
        blocks.append(totals(counted, f"all layers{weights_of(counted)}", group="T"))
    said = notes(cases)
    blocks += [said, legend if counted else [], [*verdict_lines(cases), *ann.equal_rates(_costs(counted))]]
    return Sheet(caption(cases), blocks, [every_layer(cases, "")], legend, said)


def _tone(row: SparsityRow) -> Tone:
    return "" if row.complete else "doubt"


def layers(case: Case) -> Grid:
    """The layers of a case, and their total below a line."""
    rows = flat([case])
    return Grid(title(case), shown(rows, "layers"), rows, lambda row: row.role == "total", _tone)


def totals(counted: Sequence[Case], title: str, group: str = "") -> Grid:
    """The totals of cases that were counted."""
    rows = [row for row in flat(counted) if row.role == "total"]
    return Grid(title, shown(rows, "totals"), rows, group, _tone)


def every_layer(cases: Sequence[Case], title: str) -> Grid:
    """All layers of all cases, for papers."""
    rows = flat(cases)
    return Grid(title, shown(rows, "paper"), rows, "label", _tone)


def title(case: Case) -> str:
    """`psn, T = 10, UNTRAINED weights`: a case among those of a run."""
    return f"{outputs.marked(case)}, T = {case.T}{weights_of([case])}"


def weights_of(cases: Sequence[Case]) -> str:
    """`, UNTRAINED weights`, loud; trained ones say where they come from."""
    texts = dict.fromkeys(
        f"UNTRAINED weights{c.weights.removeprefix('untrained')}"
        if c.weights.startswith("untrained")
        else f"weights {c.weights}"
        for c in cases
    )
    return f", {' / '.join(texts)}"


def caption(cases: Sequence[Case]) -> str:
    """What is equal in all cases, and of what the counts are."""
    values = {name: dict.fromkeys(str(getattr(case, name)) for case in cases) for name in _AXES}
    words = [f"{name} {next(iter(found))}" for name, found in values.items() if len(found) == 1]
    counted = next((case for case in cases if case.layers), None)
    if counted is not None:
        n_samples = counted.layers[-1].n_samples
        words.append(f"counts per sample over T steps, mean of {n_samples} {counted.split} samples")
        if counted.calibrated_layers:
            words.append("normalisation calibrated on training samples")
        words += [counted.note] if counted.note else []
    runs = dict.fromkeys(case.run_id for case in cases)
    return ", ".join([*words, f"run {' '.join(runs)}"]).replace("untrained", "UNTRAINED")


def notes(cases: Sequence[Case]) -> list[str]:
    """Why cases have no numbers, what could not be counted, and who is silent."""
    found = []
    for case in cases:
        if case.status != "ok":
            found.append(f"{title(case)}: {case.status}: {one_line(str(case.message))}")
        elif case.doubt:
            found.append(f"{title(case)}: {case.doubt}")
        whole = case.total
        if whole is not None and whole.neuron_steps and whole.spikes == 0:
            found.append(f"{title(case)}: no neuron fires, so that its counts say little")
        for row in case.layers:
            if row.role != "total" and not row.complete:
                found.append(f"{title(case)}: layer {row.layer} is incomplete: {_missing(row)}")
            if row.role != "total" and row.unfolded:
                what = ", ".join(row.unfolded)
                found.append(f"{title(case)}: layer {row.layer}: pooling was not folded: {what}")
    return found + outputs.lines(cases)


def _missing(row: Layer) -> str:
    """Operations of torch by name, other causes in words."""
    operations = [text for text in row.uncounted if " " not in text]
    causes = [text for text in row.uncounted if " " in text]
    return ", ".join([*([f"no rule for {', '.join(operations)}"] if operations else []), *causes])


def estimates(cases: Sequence[Case]) -> list[str]:
    """By which model energy was estimated, from which source, under which policies, and without what."""
    lines = []
    for case in cases:
        model = case.energy_model
        if model is None:
            continue  # nothing was counted
        doubt = "" if model.verified else ", not verified"
        without = "" if model.omits == "-" else f"; it leaves out {model.omits}"
        policy = f"policies first layer {case.first_layer}, average pooling {case.pooling}"
        lines.append(f"energy is an estimate by {model.name} ({model.source}{doubt}); {policy}{without}")
    return list(dict.fromkeys(lines))


def _costs(counted: Sequence[Case]) -> list[ann.Cost]:
    """What every case costs, for those that differ in the neuron alone to be compared."""
    return [
        ann.Cost(
            case.neuron, case.label, {name: getattr(case, name) for name in ("T", *_AXES[:-1])},
            per_sample(whole, "energy_pj"), per_sample(whole, "spike_energy_pj"), whole.firing_rate,
        )
        for case in counted
        for whole in case.layers[-1:]
    ]  # fmt: skip


def verdict_lines(cases: Sequence[Case]) -> list[str]:
    """Per case that spikes, what a neuron and its synapses cost by the estimate, or that it is unknown."""
    lines = []
    for case in cases:
        row = case.total
        if row is None or not row.neuron_steps or ann.is_ann(case.neuron):
            continue
        neurons = row.neuron_steps / case.T  # over all samples
        own, synapses = row.dynamics_energy_pj, row.synapse_energy_pj
        parts = [
            f"{'unknown' if value is None else _pj(value / neurons)} for {what}"
            for what, value in (("the neuron itself", own), ("its synapses", synapses))
        ]
        times = "" if own is None or not synapses else f" (ratio {significant(own / synapses)})"
        lines.append(
            f"{case.label}, T = {case.T}: estimated per neuron and sample"
            f"{weights_of([case])}: {' and '.join(parts)}{times}"
        )
    return lines


def _pj(picojoule: float) -> str:
    """Not in a larger unit, so that figures of different neurons line up."""
    return f"{picojoule:,.0f} pJ" if picojoule >= 100 else f"{significant(picojoule)} pJ"
