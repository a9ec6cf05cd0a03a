"""Measured energy as tables and sentences; joules never beside seconds or picojoules."""

import io
import re

import pytest
from msgspec.structs import replace
from rich.console import Console
from support.energy_records import FIRST, LOST, SECOND, energy_record, header
from support.records_of import typed
from support.render_rows import same_as_golden

from psubench.experiments.energy import rows as energy_rows
from psubench.experiments.energy.tables import sheet
from psubench.experiments.registry import KINDS
from psubench.render import grid
from psubench.render.numbers import JOULES, in_units

ENERGY = KINDS["energy"]


def two_processes(status="ok"):
    unread = [window for window in SECOND if window["label"] != "lif"]
    records = [energy_record(0, *FIRST, *SECOND), energy_record(1, *FIRST, *unread, LOST)]
    records[1]["cases"][1]["status"] = status
    records[1]["cases"][1]["message"] = "no window could be read" if status != "ok" else None
    return energy_rows.rows(typed([header(), *records]))


def printed(rows):
    stream = io.StringIO()
    grid.show(sheet(rows), Console(file=stream, width=80, highlight=False, color_system=None))
    return stream.getvalue()


def test_the_table_at_80_columns():
    text = printed(two_processes())
    assert same_as_golden("energy_80.txt", text)
    assert "lif, inference at T = 4: 1 of 4 windows could not be read: package-0/dram is" in text
    assert "psu infers with more energy than lif at T = 4 (0.50x)" in text


def test_a_case_that_failed_has_its_reason_and_no_number():
    text = printed(two_processes("failed"))
    assert "psu, inference at T = 4: failed: in 1 of 2 processes: no window could be read" in text
    assert "psu infers: failed at T = 4" in text


def test_coarse_counters_are_told_once():
    rows = [replace(row, resolution=share) for row, share in zip(two_processes(), (0.02, 0.031), strict=True)]
    text = printed(rows)
    assert text.count("steps are up to 3.1 % of a window") == 1
    assert "steps are" not in printed(two_processes())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.5, "1234 J"), (1.0, "1.00 J"), (0.0123456, "12.3 mJ"), (2.5e-6, "2.50 µJ"),
        (7e-11, "0.0700 nJ"), (-3.21e-4, "-321 µJ"), (0.0, "0.00 nJ"),
    ],
)  # fmt: skip
def test_joules_are_written_in_their_unit(value, text):
    assert in_units(value, JOULES) == text


def test_exports_hold_joules_and_the_unknown_is_empty():
    rows = two_processes("failed")
    lines = ENERGY.export(rows, "csv").splitlines()
    assert lines[0].split(",").index("gross_j_per_call") == 16
    assert lines[2].split(",")[16:22] == [""] * 6
    assert '"net_j_per_call":null' in ENERGY.export(rows, "json").replace(" ", "")
    for format in ("markdown", "latex"):
        text = ENERGY.export(two_processes(), format)
        assert re.search(r"gross\W+per sample", text)  # LaTeX has it in two lines
        assert "median" not in text
    assert ENERGY.drawn(rows) == []
