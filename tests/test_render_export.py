"""Exports: literal output, exact numbers, and unknown that stays unknown."""

import io
import json
import os
import random
import stat

import pandas as pd
import pytest
from msgspec.structs import replace
from support import render_rows
from support.render_rows import same_as_golden

from psubench.errors import PsubenchError
from psubench.experiments.registry import KINDS
from psubench.render.files import write_text

SPEED = KINDS["speed"]
# The contract of speed.csv, written down a second time on purpose.
HEADER = (
    "kind,neuron,implementation,model,data,T,batch,size,device,dtype,phase,mode,threads,status,verified,reference,"
    "median_s,p05_s,p95_s,ratio,ratio_low,ratio_high,noise_floor,rounds,processes,peak_memory_bytes,message,run_id,"
    "least_bytes,copy_bytes_per_s,copy_share"
)


@pytest.mark.parametrize(("format", "suffix"), [("csv", "csv"), ("markdown", "md"), ("latex", "tex")])
def test_the_export_is_literally_this(format, suffix):
    assert same_as_golden(f"render.{suffix}", SPEED.export(render_rows.rows(), format))


def test_csv_has_the_promised_columns():
    lines = SPEED.export(render_rows.rows(), "csv").splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 61


def test_csv_gives_the_same_floats_and_integers_back():
    noise = random.Random(3)
    rows = [
        replace(row, median_s=noise.random() * 10.0 ** -noise.randrange(12)) for row in render_rows.rows()
    ]
    rows[3] = replace(rows[3], rounds=None, peak_memory_bytes=2**53 + 1, median_s=None)
    read = pd.read_csv(
        io.StringIO(SPEED.export(rows, "csv")), dtype={"rounds": "Int64", "peak_memory_bytes": "Int64"}
    )
    for row, median, count in zip(rows, read["median_s"], read["rounds"], strict=True):
        assert median == row.median_s or (row.median_s is None and pd.isna(median))
        assert count is pd.NA if row.rounds is None else count == row.rounds
    assert read["peak_memory_bytes"][3] == 2**53 + 1
    assert "5.0," not in SPEED.export(rows, "csv")


def test_csv_keeps_texts_with_commas_quotes_and_lines():
    message = 'a, "b"\nc'
    row = replace(render_rows.rows()[0], message=message)
    assert pd.read_csv(io.StringIO(SPEED.export([row], "csv")))["message"][0] == message


def test_csv_of_unknown_is_empty_not_zero():
    bad = next(row for row in render_rows.rows() if row.status == "wrong")
    cells = SPEED.export([bad], "csv").splitlines()[1].split(",")
    by_name = dict(zip(HEADER.split(","), cells, strict=False))
    assert {
        by_name[name] for name in ("median_s", "ratio", "ratio_low", "noise_floor", "rounds", "processes")
    } == {""}


def test_json_has_null_and_what_csv_lacks():
    rows = render_rows.rows()
    read = json.loads(SPEED.to_json(rows))
    assert [name for name in read[0] if name in HEADER.split(",")] == HEADER.split(",")
    for row, back in zip(rows, read, strict=True):
        assert back.pop("kind") == "speed"
        assert all(getattr(row, name) == value for name, value in back.items())
    assert (read[0]["label"], read[0]["firing_rate"], read[0]["peak_memory_bytes"]) == ("lif", 0.05004, None)


def test_json_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not JSON compliant"):
        SPEED.to_json([replace(render_rows.rows()[0], ratio=float("nan"))])


def test_latex_escapes_names_and_has_rules_and_units():
    rows = [
        replace(row, label="a_b%&{#}", neuron="a_b%&{#}") for row in render_rows.rows() if row.label == "psn"
    ]
    text = SPEED.export(rows, "latex")
    assert r"a\_b\%\&\{\#\}" in text
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"(\textmu{}s)"))
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_latex_holds_no_letter_that_needs_a_package():
    rows = [replace(row, median_s=2e-5) for row in render_rows.rows()]
    text = SPEED.export(rows, "latex")
    assert text.isascii()
    assert r"\textmu{}s" in text


def test_latex_caption_is_escaped():
    assert r"data my\_data" in SPEED.export(render_rows.rows(data="my_data"), "latex")


def test_markdown_cells_do_not_end_at_a_bar():
    rows = [replace(row, label="a|b") for row in render_rows.rows() if row.label == "psn"]
    lines = [line for line in SPEED.export(rows, "markdown").splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in lines}) == 1


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(PsubenchError, match='unknown format "markdwon"; did you mean "markdown"'):
        SPEED.export(render_rows.rows(), "markdwon")


def test_files_are_whole_and_leave_nothing_beside_them(tmp_path):
    path = tmp_path / "new" / "speed.csv"
    write_text("before", path)
    write_text("after", path)
    assert path.read_text() == "after"
    assert [file.name for file in path.parent.iterdir()] == ["speed.csv"]


def test_a_place_that_cannot_be_written_is_an_error_of_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(PsubenchError, match=r"cannot write .*speed.csv: "):
        write_text("x", tmp_path / "file" / "speed.csv")
    (tmp_path / "folder").mkdir()
    with pytest.raises(PsubenchError, match="cannot write"):
        write_text("x", tmp_path / "folder")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "folder"]


def tracked(format, rows):
    found = json.loads(SPEED.export(rows, format))
    return [one["name"] for one in found] if isinstance(found, list) else list(found)


@pytest.mark.parametrize("format", ["bencher", "github-action-benchmark"])
def test_the_name_of_a_result_holds_every_axis_and_the_reference(format):
    rows = [row for row in render_rows.rows() if row.status == "ok"]
    names = tracked(format, rows)
    for axis in ("threads", "reference", "T", "batch", "size", "model", "data", "mode", "dtype", "device"):
        assert all(f"{axis}=" in name for name in names)
    for axis, value in (("threads", 7), ("reference", "psn"), ("dtype", "float64")):
        assert not set(names) & set(tracked(format, [replace(row, **{axis: value}) for row in rows]))


@pytest.mark.parametrize("format", ["bencher", "github-action-benchmark"])
def test_two_results_of_one_name_are_refused(format):
    rows = [row for row in render_rows.rows() if row.status == "ok"]
    with pytest.raises(PsubenchError, match="two results have the name"):
        SPEED.export([*rows, *[replace(row, run_id="another") for row in rows]], format)


def test_two_plugins_of_one_short_name_are_two_results():
    row = next(row for row in render_rows.rows() if row.status == "ok" and row.ratio and row.label == "psu")
    both = [
        replace(row, label="Fast", neuron=name, implementation="plugin")
        for name in ("a.py:Fast", "b.py:Fast")
    ]
    assert len(tracked("bencher", both)) == 2
    assert tracked("bencher", both[:1]) == tracked("bencher", both)[:1]


def test_a_file_is_not_written_through_a_link_and_what_is_no_file_is_written_to(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "speed.csv").symlink_to(victim)
    write_text("rows", tmp_path / "speed.csv")
    assert victim.read_text() == "kept"
    assert (tmp_path / "speed.csv").read_text() == "rows"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text("rows", tmp_path / "pipe")
    assert os.read(reader, 10) == b"rows"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    write_text("x\udcff", tmp_path / "letters.csv")
    assert (tmp_path / "letters.csv").read_bytes() == b"x\\udcff"
