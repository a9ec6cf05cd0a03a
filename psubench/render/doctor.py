"""What `psubench doctor` has found, as text for a terminal; legible at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from psubench.render.numbers import JOULES, SECONDS, UNKNOWN, in_units, percent, unit_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_STYLES = {"ok": "green", "found": "yellow", "unknown": "dim", "no": "dim"}
_ASCII = str.maketrans({"±": "+/-", "µ": "u"})
Report = Mapping[str, Any]


def show(report: Report, console: Console | None = None) -> None:
    """Prints the report: what is here, what counts energy, how noisy it is, and what causes it.

    Args:
        report: as `psubench.doctor.examine` gives it.
        console: standard output by default; 80 columns wide if that is not a terminal.
    """
    from rich.console import Console

    console = console or Console(highlight=False)
    ascii_only = console.options.ascii_only
    parts = {
        "machine": [(name, "", text) for name, text in _machine(report["machine"]).items()],
        "devices": [_device(entry) for entry in report["devices"]],
        "energy counters": [_counter(entry) for entry in report["energy"]],
        "noise": [(name, "", text) for name, text in _noise(report["noise"])],
        "comparison without a clock": [_finding(entry) for entry in report["without_clock"]],
        # What was found comes first: it is what the reader can change.
        "causes of noise": [
            _finding(e) for e in sorted(report["findings"], key=lambda e: e["state"] != "found")
        ],
    }
    for number, (title, rows) in enumerate(parts.items()):
        console.print(("\n" if number else "") + title, style="bold", markup=False)
        console.print(_grid(rows, lambda text: text.translate(_ASCII) if ascii_only else text))


def _grid(rows: list[tuple[str, str, str]], known: Callable[[str], str]) -> Table:
    """Name, state, and text that is wrapped in its own column; without states where there are none."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    states = any(state for _, state, _ in rows)
    if states:
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, state, text in rows:
        middle = [Text(state, _STYLES[state])] if states else []
        grid.add_row(Text(f"  {known(name)}"), *middle, Text(known(text)))
    return grid


def _machine(facts: Report) -> dict[str, str]:
    known = {name: UNKNOWN if value is None else value for name, value in facts.items()}
    virtual = {True: ", virtual", False: "", None: ""}[facts["virtual"]]
    return {
        "processor": f"{known['cpu']}{virtual}",
        "cores": f"{known['physical_cores']} ({known['logical_cores']} threads)",
        "memory": f"{facts['memory_bytes'] / 2**30:.1f} GiB",
        "system": f"{known['os']} {known['kernel']}, {known['architecture']}",
        "versions": ", ".join(f"{name} {known[name]}" for name in ("psubench", "python", "torch", "numpy")),
    }


def _device(entry: Report) -> tuple[str, str, str]:
    return entry["name"], "ok" if entry["usable"] else "no", entry["about"]


def _counter(entry: Report) -> tuple[str, str, str]:
    if entry["step_j"] is None:
        return entry["device"], "no", "\n".join([entry["reason"], *_remedy(entry)])
    unit = unit_of(entry["period_s"])
    period = f"{entry['period_s'] / SECONDS[unit]:.3g} {unit}"
    return (
        entry["device"],
        "ok",
        f"{entry['counter']}, in steps of {in_units(entry['step_j'], JOULES)} every {period}",
    )


def _noise(noise: Report | None) -> list[tuple[str, str]]:
    if noise is None:
        return [("not measured", "--seconds 10 measures it")]
    measured = f"{noise['case']}; {noise['device']}, {noise['processes']} processes, {noise['rounds']} rounds"
    terms = (
        f"of which compare --git finds {10 * noise['power']:.0f} in 10 with a margin of "
        f"{percent(noise['margin'])}"
    )
    effect = noise["smallest_effect"]
    return [
        ("measured", measured),
        ("A/A", f"±{_share(noise['noise_floor'])}: identical code may differ by so much"),
        ("between processes", f"{_share(noise['sd'])} (standard deviation of the fastest samples' ratio)"),
        ("smallest slowdown", UNKNOWN if effect is None else f"{_share(effect)}, {terms}"),
        *(("failed", message) for message in noise["failed"]),
    ]


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else percent(value)


def _finding(entry: Report) -> tuple[str, str, str]:
    return entry["what"], entry["state"], "\n".join([entry["found"], *_remedy(entry)])


def _remedy(entry: Report) -> list[str]:
    return [f"-> {entry['remedy']}"] if entry["remedy"] else []
