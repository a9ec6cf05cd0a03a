"""Terminal tables and sentences: literal output, and no claim that the numbers do not make."""

import io

import pytest
from msgspec.structs import replace
from rich.console import Console
from support import render_rows
from support.render_rows import same_as_golden

from psubench.experiments.paired import axes, columns, tables
from psubench.experiments.paired.rows import verdict
from psubench.experiments.paired.verdicts import verdict_lines
from psubench.experiments.paired.warnings import warnings
from psubench.experiments.speed.columns import COLUMNS
from psubench.experiments.speed.tables import sheet
from psubench.render import grid, numbers
from psubench.render.axes import labels_of


def shown(rows, width=80, **console):
    stream = io.StringIO()
    grid.show(sheet(rows), Console(file=stream, width=width, **console))
    return stream.getvalue()


def one(label="psu", T=16, phase="infer", **changes):
    found = next(r for r in render_rows.rows() if (r.label, r.T, r.phase) == (label, T, phase))
    return replace(found, **changes)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_is_literally_this(width):
    text = shown(render_rows.rows(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text
    assert same_as_golden(f"render_table_{width}.txt", text)


def test_the_sentences_are_literally_these():
    assert same_as_golden("render_verdicts.txt", "\n".join(verdict_lines(render_rows.rows())))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_width_loses_a_number(width):
    rows = [row for row in render_rows.rows() if row.T == 4]
    words = set(shown(rows, width).split())
    for row in rows:
        for column in COLUMNS:
            missing = [word for word in column.text(row).split() if word not in words and len(word) < 9]
            assert not missing or column.text(row) == numbers.UNKNOWN


def test_colour_adds_nothing_but_colour(monkeypatch):
    rows = render_rows.rows()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    grid.show(sheet(rows), Console(file=stream, width=100, force_terminal=True, color_system="standard"))
    assert "\x1b[32mfaster" in stream.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in shown(rows, 100, force_terminal=True)


def test_a_terminal_that_knows_ascii_only():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    grid.show(sheet(render_rows.rows()), Console(file=stream, width=100))
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "~, unverified" in text
    assert " us [" in text


@pytest.mark.parametrize(
    ("low", "high", "noise", "word"),
    [
        (1.03, 1.10, 0.02, "faster"),
        (1.02, 1.10, 0.02, "≈"),
        (1.01, 1.10, 0.02, "≈"),
        (0.90, 0.97, 0.02, "slower"),
        (0.90, 1 / 1.02, 0.02, "≈"),
        (0.90, 0.985, 0.02, "≈"),
        (0.90, 1.10, 0.0, "≈"),
        (1.01, 1.02, 0.0, "faster"),
        (None, None, 0.02, "unclear"),
        (1.5, 1.6, None, "unclear"),
    ],
)
def test_only_what_lies_outside_the_noise_is_faster_or_slower(low, high, noise, word):
    row = one(ratio=1.0, ratio_low=low, ratio_high=high, noise_floor=noise)
    assert verdict(row) == word
    claims = " ".join(verdict_lines([row]))
    assert ("faster than" in claims) == (word == "faster")
    assert ("slower than" in claims) == (word == "slower")


def test_the_sentence_of_the_house():
    ratios = {4: 1.9, 8: 1.5, 64: 0.8, 128: 0.63}
    rows = [
        one(T=T, phase="train", ratio=r, ratio_low=r * 0.98, ratio_high=r * 1.02) for T, r in ratios.items()
    ]
    rows += [one(T=16, phase="train", ratio=1.0, ratio_low=0.99, ratio_high=1.01)]
    assert verdict_lines(rows) == [
        "psu trains slower than lif at T = 64, 128 (0.63x at T = 128) and faster than lif at T = 4, 8 "
        "(1.90x at T = 4); no difference from lif beyond the noise at T = 16"
    ]


def test_sentences_about_two_batches_name_them_and_do_not_mix():
    fast = [one(batch=1, ratio=2.0, ratio_low=1.9, ratio_high=2.1, key="a")]
    slow = [one(batch=64, ratio=0.5, ratio_low=0.4, ratio_high=0.6, key="b")]
    assert verdict_lines(fast + slow) == [
        "psu infers faster than lif at T = 16 (2.00x) [batch=1]",
        "psu infers slower than lif at T = 16 (0.50x) [batch=64]",
    ]


def test_constant_axes_stand_in_the_caption_and_others_in_columns():
    rows = render_rows.rows(device="cuda:0")
    assert "device cuda:0" in tables.caption(rows)
    mixed = rows + [replace(row, device="cpu", key=row.key + "cpu") for row in rows]
    assert "device" not in tables.caption(mixed)
    assert "device" in [column.name for column in columns.shown(mixed, COLUMNS)]
    assert "T" not in [column.name for column in columns.shown([one()], COLUMNS)]


def test_an_unknown_firing_rate_has_no_column():
    rows = render_rows.rows(firing_rate=None)
    assert "firing_rate" not in [column.name for column in columns.shown(rows, COLUMNS)]
    assert "peak memory" in [column.name for column in columns.shown([one(peak_memory_bytes=2**21)], COLUMNS)]


def test_bad_cases_say_why_and_unverified_ones_say_so():
    text = " ".join(shown(render_rows.rows()).split())
    assert "psu@scan, training at T = 64: wrong: spikes differ in 3 of 1,048,576" in text
    assert "mine, training at T = 128: timeout: no answer for 120 s" in text
    assert text.count("≈, unverified") == 11  # twelve cases of the plug-in, one of which has no time


def test_a_bad_case_among_two_batches_names_its_batch():
    good, bad = (
        one(batch=1, key="a"),
        one(batch=64, key="b", status="oom", message=None, median_s=None, ratio=None),
    )
    assert tables.notes([good, bad]) == ["psu, inference at T = 16 [batch=64]: oom: no message"]


def test_two_runs_are_told_apart_and_a_resumed_one_is_not_split():
    rows = render_rows.rows()
    again = [replace(row, run_id="later") for row in rows]
    assert list(axes.settings(rows + again)) == ["run_id=20261124T101500Z-0a1b2c", "run_id=later"]
    resumed = [replace(row, run_id="later" if row.T > 16 else row.run_id) for row in rows]
    assert list(axes.settings(resumed)) == [""]


def test_plug_ins_with_one_short_name_get_their_long_ones():
    other = [replace(row, neuron="b.py:mine", key="b") for row in render_rows.rows() if row.label == "mine"]
    assert {"mine.py:mine", "b.py:mine"} <= set(labels_of(axes.distinct(render_rows.rows() + other)))


def test_messages_are_not_read_as_markup():
    text = shown([one(status="failed", message="x[bold]y [/nothing]", median_s=None, ratio=None)])
    assert "x[bold]y [/nothing]" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((0.634, 0.612, 0.651), "0.63x [0.61, 0.65]"),
        ((1.9, 1.87, 1.93), "1.90x [1.87, 1.93]"),
        ((12.34, 12.1, 12.6), "12.3x [12.1, 12.6]"),
        ((123.4, 121.0, 126.0), "123x [121, 126]"),
        ((0.0123, 0.0119, 0.0131), "0.012x [0.012, 0.013]"),
        ((2.0, None, None), "2.00x"),
    ],
)
def test_digits_of_ratios(value, text):
    assert numbers.ratio(*value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1.234, "1.23 s"),
        (0.01234, "12.3 ms"),
        (1.2e-5, "12.0 µs"),
        (5e-9, "5.00 ns"),
        (3e-10, "0.300 ns"),
        (0.0, "0.00 ns"),
    ],
)
def test_units_of_times(seconds, text):
    time = next(column for column in COLUMNS if column.name == "time")
    assert time.text(one(median_s=seconds, p05_s=None, p95_s=None)) == text


def test_an_interval_of_more_than_a_factor_of_two_is_no_number():
    wide = one(ratio=0.59, ratio_low=0.01, ratio_high=222100.0, noise_floor=0.02)
    text = shown([one("lif"), wide])
    assert "222100" not in text
    assert "0.59" not in text
    assert "too few samples or too much noise to tell" in text
    # A claim needs one end alone; the number between the ends is still not known.
    assert "psu infers slower than lif at T = 16." in shown([one("lif"), replace(wide, ratio_high=0.5)])


def test_noise_and_rates_at_an_end_are_warned_of():
    quiet = warnings([one("lif"), one()])
    assert quiet == []
    noisy, silent = replace(one("lif"), noise_floor=0.3), replace(one(), firing_rate=0.0)
    assert warnings([noisy]) == ["The noise of this machine is ±30 %: psubench doctor says what disturbs it"]
    assert warnings([one("lif"), silent]) == ["psu never fires at T = 16: look at its input"]
    assert warnings([replace(silent, firing_rate=0.95)]) == [
        "psu fires in more than 90 % of all steps at T = 16: look at its input"
    ]
    assert warnings([replace(silent, output="counts")]) == []


def test_a_long_name_is_broken_where_its_parts_end():
    name = "library:Neuron(detach_reset=true,v_reset=none)"
    text = shown([replace(row, label=name) if row.label == "psu" else row for row in render_rows.rows()], 80)
    words = [word for line in text.splitlines() for word in line.split()]
    assert all(part in words for part in ("library:", "Neuron(", "detach_reset=true,", "v_reset=none)"))
    assert max(map(len, text.splitlines())) <= 80
