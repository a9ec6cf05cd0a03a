"""The history of records: what is compared and marked, the page; bisection without a repository."""

import json
from dataclasses import replace

import pytest
from msgspec.structs import replace as with_fields
from support.command_line import here
from support.compare_records import case, run
from support.records_of import typed
from test_report import Outline

from psubench.compare import history
from psubench.compare.git.bisect import changes
from psubench.compare.verdicts import compare
from psubench.records import jsonl
from psubench.records.fingerprint import Digests, Fingerprint, FingerprintOutcome, Fingerprints
from psubench.records.measured import Block
from psubench.render.history import lines
from psubench.render.report import history as page

CASES = [(name, T, "infer") for T in (4, 8) for name in ("lif", "psu", "<b>")]
PLAIN = Fingerprint(
    operators={"lerp": 8, "ge": 8}, allocations=8, allocated_bytes=4096, peak_bytes=1024, functions=2,
    bytecodes=90,
    digests=Digests(**dict.fromkeys(Digests.__struct_fields__, "a")),
)  # fmt: skip
ITEM = with_fields(PLAIN, operators={**PLAIN.operators, "_local_scalar_dense": 8})


def records(number, cpu="A", shift=0.0, work=PLAIN, by="m", seed=0):
    """A run of five processes, in which psu is slower by a log ratio `shift`, with the work of psu."""
    cases = {key: [process * 1e-3 - shift * (key[0] == "psu") for process in range(5)] for key in CASES}
    head, *blocks = typed(run(cases, 5, cpu=cpu, physical_cores=2, logical_cores=2, seed=seed))
    header = with_fields(
        head, run_id=f"r{number}", started=f"2026-11-{number + 10}T03:00:00+00:00", measured_by=by
    )
    told = [
        FingerprintOutcome(key=case(*one).key, neuron=one[0], status="ok", message=None, work=work)
        for one in CASES
        if one[0] == "psu"
    ]
    return [header, *blocks, Fingerprints(cases=told)]


def untimed(run):
    return [one for one in run if not isinstance(one, Block)]


def rows(*runs):
    return history.rows([history.place(one, f"n{number}") for number, one in enumerate(runs)])


def told(found, label="psu"):
    """Place -> verdicts of a neuron."""
    return {
        at: sorted({row.verdict for row in found if row.at == at and row.label == label})
        for at in dict.fromkeys(row.at for row in found)
    }


@pytest.fixture(scope="module")
def nightly():
    """Runs of two machines in turn; on A psu becomes slower in the third night, with an operator more."""
    slow = {"shift": 0.3, "work": ITEM}
    return [records(0), records(1, cpu="B", shift=0.9), records(2, **slow), records(3, cpu="B", shift=0.9),
            records(4, **slow)]  # fmt: skip


def test_a_slower_night_is_marked_and_other_machines_are_never_compared(nightly):
    found = rows(*nightly)
    ours = [row for row in found if row.label == "psu"]
    assert {row.at: row.since for row in ours} == {"r0": None, "r1": None, "r2": "r0", "r3": "r1", "r4": "r2"}
    assert [one.verdict for one in lines(found)] == ["first", "first", "slower", "same", "same"]
    marked = [row for row in found if row.marked]
    assert {(row.at, row.label) for row in marked} == {("r2", "psu")}
    assert marked[0].work == "+8 _local_scalar_dense"
    assert marked[0].change == pytest.approx(0.35, abs=0.01)
    assert marked[0].operators - ours[0].operators == 8
    assert ours[0].ratio == pytest.approx(1.0, abs=0.01)
    assert marked[0].ratio == pytest.approx(0.74, abs=0.01)


def test_what_cannot_be_told_is_unclear_and_marks_nothing():
    random = with_fields(
        PLAIN, uncounted=["its results change"], digests=with_fields(PLAIN.digests, output="b")
    )
    works = enumerate([(PLAIN, "m"), (random, "m"), (PLAIN, "m"), (PLAIN, "other")])
    counted = [untimed(records(number, work=work, by=by)) for number, (work, by) in works]
    found = [row for row in rows(*counted) if row.label == "psu"]
    assert [*told(found).values()] == [["first"], ["unclear"], ["unclear"], ["unclear"]]
    assert not any(row.marked for row in found)
    assert "its results change" in found[4].reason
    assert found[-1].reason == "the code that measures has changed"
    places = [
        history.place(counted[0], "a"),
        replace(history.place(counted[0], "b"), at="x", needed={"b": 1}),
    ]
    assert "other packages" in next(r for r in history.rows(places) if r.since and r.label == "psu").reason


def test_runs_of_other_seeds_are_shown_and_not_compared(nightly):
    found = rows(nightly[0], records(1, seed=1))
    assert told(found) == {"r0": ["first"], "r1": ["unclear"]}
    assert "seed" in found[-1].reason


def test_times_of_a_commit_replace_what_its_work_alone_has_told(nightly):
    base, new = (history.place(nightly[at], "n") for at in (0, 2))
    counted = [history.place(untimed(records(at, work=work)), "n") for at, work in ((0, PLAIN), (2, ITEM))]
    before = history.rows(counted)
    assert told(before) == {"r0": ["first"], "r2": ["other work"]}
    after = history.with_times(before, "r2", compare(base.found, new.found))
    assert told(after) == {"r0": ["first"], "r2": ["slower"]}
    assert lines(after)[-1].told == "psu: slower +35.0 % [+34.7, +35.2], +8 _local_scalar_dense"


def test_the_page_has_a_figure_per_neuron_and_machine_and_needs_nothing_beside_it(nightly):
    text = page.render(rows(*nightly), page.RUNS, ["history", "a b"])
    outline = Outline(text)
    drawn = [attributes["aria-label"] for tag, attributes in outline.tags if tag == "svg"]
    assert [one.partition(" over")[0] for one in drawn] == ["psu", "<b>"] * 2
    assert "Changed: 2026-11-12 03:00 slower." in drawn[0]
    assert not any("slower" in one for one in drawn[1:])
    overview = [[cell.strip() for cell, _ in row] for row in outline.tables[0][1:]]
    assert [row[1:3] for row in overview] == [["n0", "first"], ["n2", "slower"], ["n4", "same"]]
    assert "<b>," not in text
    assert "psubench history &#39;a b&#39;" in text
    for _, attributes in outline.tags:
        assert attributes.get("href", "#").startswith(("#", "data:,"))
        assert "src" not in attributes
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_the_command_writes_page_and_table_of_runs_in_order_of_their_dates(nightly, tmp_path):
    for number, one in enumerate(nightly[:3]):
        (tmp_path / f"n{number}").mkdir()
        (tmp_path / f"n{number}/run.jsonl").write_bytes(b"".join(map(jsonl.line_of, one)))
    done = here("history", "n2", "n0/run.jsonl", "--out", "page", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [*dict.fromkeys(one["title"] for one in found)] == ["n0", "n2"]
    csv = (tmp_path / "page/history.csv").read_text().splitlines()
    assert len(csv) == 1 + len(found)
    assert "<h1>History of lif, psu" in (tmp_path / "page/index.html").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["n0", "n0"], "a run is given twice"),
        (["n0", "missing"], "no record at missing"),
        (["n0", "--bisect", "lif"], "are for a range of commits"),
        (["HEAD~1..HEAD"], "not a git repository"),
        (["../missing"], "no record at ../missing"),
        (["HEAD...HEAD"], "not a git repository"),
    ],
)
def test_what_cannot_be_shown_is_one_line(nightly, tmp_path, monkeypatch, words, told):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "n0").mkdir()
    (tmp_path / "n0/run.jsonl").write_bytes(b"".join(map(jsonl.line_of, nightly[0])))
    done = here("history", *words, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n"), done.stdout) == (2, 1, "")
    assert told in done.stderr


def found(work, bad=()):
    """Steps of a chain whose places do this work, and how many places were counted."""
    counted = set()

    def count(places):
        counted.update(places)
        return [place for place in places if place not in bad]

    return changes(range(len(work)), count, lambda one, other: work[one] != work[other]), len(counted)


def test_one_change_of_a_thousand_commits_is_found_by_counting_a_dozen():
    for at in (1, 400, 999):
        steps, counted = found([0] * at + [1] * (1000 - at))
        assert steps == [(at - 1, at)]
        assert counted <= 12


def test_every_change_is_found_unless_it_is_taken_back():
    assert found([0, 1, 1, 1, 2, 2, 3, 3])[0] == [(0, 1), (3, 4), (5, 6)]
    assert found([0, 0, 1, 1, 0, 0]) == ([], 2)


def test_what_cannot_be_counted_is_passed_over_and_said_where_it_matters():
    work = [0, 0, 0, 0, 1, 1, 1, 1]
    assert found(work, bad={3})[0] == [(2, 4)]
    assert found(work, bad={0, 1, 7})[0] == [(3, 4)]
    assert found(work, bad={*range(1, 7)})[0] == [(0, 7)]
    assert found(work, bad={*range(7)})[0] == []


def test_control_characters_of_a_record_are_escapes_on_the_page(nightly):
    """In a reason, the title of a commit and what has changed in the work."""
    hostile = {"verdict": "failed", "reason": "\x1b]0;mine\x07\x00", "title": "\x1b[2J", "work": "\x08"}
    first, *others = rows(*nightly)
    text = page.render([with_fields(first, **hostile), *others], page.RUNS, ["history", "\x1b"])
    assert all(letter.isprintable() or letter == "\n" for letter in text)
    assert "\\x1b]0;mine\\x07\\x00" in text
