"""Verdicts as a table, Markdown, JSON and GitHub annotations: golden output, limits, escapes."""

import dataclasses
import io
import json
import math

import pytest
from rich.console import Console
from support.compare_records import changed, run
from support.records_of import summed
from support.render_rows import same_as_golden

from psubench.compare.verdicts import compare
from psubench.render import comparison

FIVE = [0.0, 0.004, -0.004, 0.002, -0.002]
LABELS = ("lif", "psn", "psu", "ipsu", "rpsu", "plif")
BASE = {(label, T, phase): FIVE for phase in ("infer", "train") for T in (8, 32) for label in LABELS}


@pytest.fixture(scope="module")
def found():
    """One of everything but `not comparable`."""
    shifts = {"psu": math.log(1.082), "psn": -math.log(1.25)}
    new = {
        key: [v - shifts.get(key[0], 0.0) for v in values]
        for key, values in BASE.items()
        if key[1] == 8 or key[0] != "plif"
    }
    new["rpsu", 32, "train"] = [-0.01, 0.2, -0.2, 0.1, -0.1]
    new["if", 32, "train"] = FIVE
    records = changed(
        run(new, 5, cpu="Model 2"), "ipsu", status="wrong", message="spikes | differ: 3 of 4096"
    )
    records = [*records[:1], *changed(records[1:6], "plif", spikes=200), *records[6:]]
    return compare(summed(run(BASE, 5)), summed(records), margin=0.01)


def test_table(found):
    text = io.StringIO()
    comparison.show(found, Console(file=text, width=100, highlight=False))
    assert same_as_golden("compare_table.txt", text.getvalue())


def test_markdown(found):
    assert same_as_golden("compare.md", comparison.to_markdown(found))


def test_json(found):
    text = comparison.to_json(found, 1)
    # Six digits: the last one must not depend on the machine's exp.
    rounded = json.loads(text, parse_float=lambda digits: round(float(digits), 6) + 0.0)
    assert same_as_golden("compare.json", json.dumps(rounded, indent=1))
    assert json.loads(text)["verdicts"][0]["verdict"] == "slower"


def test_github(found):
    assert same_as_golden("compare_github.txt", "\n".join(comparison.workflow_commands(found)))


def test_at_most_ten_annotations_errors_before_warnings(found):
    lines = comparison.workflow_commands(found)
    assert len(lines) == 10
    levels = [line.split(" ")[0] for line in lines]
    assert levels == sorted(levels, key=["::error", "::warning", "::notice"].index)
    assert "more in the step summary" in lines[-1]


def test_a_summary_stays_below_its_limit_and_counts_what_it_leaves_out(found):
    many = dataclasses.replace(found, verdicts=found.verdicts * 600)
    whole, text = comparison.to_markdown(many), comparison.to_markdown(many, comparison.MOST_BYTES)
    assert len(whole.encode()) > comparison.MOST_BYTES >= len(text.encode()) > 0.6 * comparison.MOST_BYTES
    left_out = int(text.rstrip().splitlines()[-1].split()[0])
    rows = sum(line.startswith("| ") for line in text.splitlines()) - 1
    assert rows + left_out == sum(verdict.verdict != "same" for verdict in many.verdicts)
    assert comparison.to_markdown(found, comparison.MOST_BYTES) == comparison.to_markdown(found)


def test_what_a_message_holds_cannot_become_a_command(found):
    nasty = dataclasses.replace(
        found.verdicts[0], label="a,b:c", reason="100 %\n::error::x", verdict="failed"
    )
    lines = comparison.workflow_commands(dataclasses.replace(found, verdicts=(nasty,)))
    assert len(lines) == 1
    assert "title=a%2Cb%3Ac%2C" in lines[0]
    assert lines[0].endswith("100 %25 ::error::x")


def test_at_80_columns_a_verdict_has_one_line_and_quiet_ones_share_one(found):
    work = "+16 _local_scalar_dense, +5 % bytes, +3 Python calls, +120 bytecodes"
    slow, *_, last = (
        dataclasses.replace(one, work=work if place == 0 else "") for place, one in enumerate(found.verdicts)
    )
    quiet = [dataclasses.replace(last, verdict="identical", label=label) for label in ("lif", "lif", "psu")]
    text = io.StringIO()
    told = dataclasses.replace(found, verdicts=(slow, *quiet), notes=())
    comparison.show(told, Console(file=text, width=80, highlight=False))
    lines = text.getvalue().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[0] for line in lines if line.startswith(("slower", "identical"))] == [
        "slower",
        "identical:",
    ]
    assert "+16 _local_scalar_dense" in next(line for line in lines if line.startswith("slower"))
    assert "identical: 3 cases of lif, psu" in lines
    assert "work: +16 _local_scalar_dense, +5 %25 bytes" in comparison.workflow_commands(told)[0]
