"""Records that were cut, edited or are noise: a result or one line, never an invented number."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records_of import text_of
from support.robustness import RUNS, SEEDS, call, edited, ends_well, examples

from psubench.errors import NOT_COMPARABLE
from psubench.records import jsonl

pytestmark = pytest.mark.slow

FORMATS = ("csv", "json", "markdown", "latex")
KINDS = st.sampled_from(sorted(RUNS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def written(folder, content, kind=None):
    """The file of a record; `good.jsonl` beside it is the record of its kind without damage."""
    if kind is not None:
        (folder / "good.jsonl").write_bytes(text_of(RUNS[kind]))
    path = folder / jsonl.NAME
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def ways(path):
    """Every way to look at a record but pictures."""
    good = path.with_name("good.jsonl")
    return [
        ("show", path), ("show", path, "--json"), *(("export", path, "--format", f) for f in FORMATS),
        ("compare", path, good), ("compare", good, path, "--format", "markdown"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", RUNS)
def test_the_records_that_are_edited_are_good_ones(folder, kind):
    path = written(folder, text_of(RUNS[kind]), kind)
    # compare refuses what holds neither times nor exact values.
    assert {ends_well(*way)[0] for way in ways(path)} == ({0, 5} if kind in ("sparsity", "training") else {0})
    assert ends_well("plot", path, "--out", folder, "--format", "svg")[0] == 2 * (kind == "energy")


@examples(40)
@given(kind=KINDS, seed=SEEDS)
def test_an_edited_record_is_shown_or_refused(folder, kind, seed):
    path = written(folder, text_of(edited(RUNS[kind], seed)), kind)
    for way in random.Random(seed).sample(ways(path), 2):
        ends_well(*way)


@examples(6)
@given(kind=st.sampled_from(sorted(RUNS.keys() - {"energy"})), seed=SEEDS)
def test_an_edited_record_is_drawn_or_refused(folder, kind, seed):
    ends_well("plot", written(folder, text_of(edited(RUNS[kind], seed))), "--out", folder, "--format", "svg")


@examples(2)
@given(kind=st.sampled_from(("speed", "energy", "sparsity")), seed=SEEDS)
def test_an_edited_record_is_reported_or_refused(folder, kind, seed):
    ends_well("report", written(folder, text_of(edited(RUNS[kind], seed))), "--out", folder / "report")


def columns(text):
    """The numbers in each column of rows in JSON."""
    found = {}
    for row in json.loads(text):
        for name, value in row.items():
            found.setdefault(name, set()).update({value} if isinstance(value, int | float) else ())
    return found


@pytest.fixture(scope="module")
def numbers(folder):
    """The numbers of the good records, by kind and column."""
    return {
        kind: columns(ends_well("export", written(folder, text_of(RUNS[kind])), "--format", "json")[1])
        for kind in RUNS
    }


@examples(40)
@given(kind=KINDS, seed=SEEDS)
def test_what_is_taken_out_never_becomes_a_number(folder, numbers, kind, seed):
    """Every number of what is left was there before, in the same column."""
    path = written(folder, text_of(edited(RUNS[kind], seed, ("null", "forget"))))
    code, out = ends_well("export", path, "--format", "json")
    if code:
        return
    for column, found in columns(out).items():
        assert found <= numbers[kind][column], column


@examples(30)
@given(kind=KINDS, seed=SEEDS)
def test_a_record_that_is_cut_or_overwritten_is_shown_or_refused(folder, kind, seed):
    draw = random.Random(seed)
    data = bytearray(text_of(RUNS[kind]))
    if draw.random() < 0.5:
        del data[draw.randrange(len(data)) :]
    for _ in range(draw.choice((0, 1, 3, 30))):
        if data:
            data[draw.randrange(len(data))] = draw.choice((0, 10, 34, 48, 57, 44, 123, 125, 255))
    ends_well("export", written(folder, bytes(data)), "--format", draw.choice(FORMATS))


@examples(30)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode())))
def test_noise_is_refused(folder, content):
    assert ends_well("show", written(folder, content + b"\n"))[0] in (2, NOT_COMPARABLE)


@pytest.mark.parametrize("depth", [100, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_record_that_is_nested_deeply_is_refused(folder, depth, opening):
    head = text_of(RUNS["speed"][:1])
    assert ends_well("show", written(folder, head + (opening * depth).encode() + b"\n"))[0] == NOT_COMPARABLE


def test_every_removed_sample_is_missed(folder):
    """One sample less, wherever it was, and the record is refused; the line is named."""
    for number, one in enumerate(RUNS["speed"]):
        for name in one.get("wall_ns") or {}:
            less = {**one["wall_ns"], name: one["wall_ns"][name][1:]}
            records = [*RUNS["speed"][:number], {**one, "wall_ns": less}, *RUNS["speed"][number + 1 :]]
            code, _, err = call("show", written(folder, text_of(records)))
            assert code == NOT_COMPARABLE
            assert f"line {number + 1} is damaged: wall_ns.{name} holds 19 samples, not 20" in err
