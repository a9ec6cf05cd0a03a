"""Suites: strict reading, literal errors, skips, and what they plan."""

import os
import signal
import subprocess
import time

import pytest
from support.command_line import PROGRAM, here
from support.places import ROOT

from psubench.devices import machine
from psubench.errors import PsubenchError
from psubench.experiments import suite_file
from psubench.experiments.speed import rows as speed_rows
from psubench.records import jsonl
from psubench.records.measured import Block, Memory
from psubench.runs import estimate

pytestmark = pytest.mark.slow

GOOD = """\
version = 1
title = "two networks"

[settings]
processes = 2
max_seconds = 0.5

[[speed]]
model = "shd"
neurons = ["lif", "psn"]
T = "4..16"
batch = [2, 4]
mode = "layer,step"

[[speed]]
neurons = "lif,psu"
T = 8
batch = 1
size = 4
phase = "infer"

[[skip]]
model = "shd"
neuron = "psn"
T = "8..16"
reason = "not asked"
"""


def suite(folder, text):
    path = folder / "some.toml"
    path.write_text(text)
    return suite_file.read(path)


def entries(blocks):
    return [entry for block in blocks for entry in block.entries]


def test_a_suite_is_what_the_command_line_would_make(tmp_path):
    read = suite(tmp_path, GOOD)
    assert read.settings == {"processes": 2, "max_seconds": 0.5}
    blocks = read.blocks("cpu")
    assert len(blocks) == 2 * 3 * 2 + 1
    assert [entry.label for entry in blocks[0].entries] == ["lif", "lif [step]", "psn"]
    assert blocks[0].entries[0].case.data == "synthetic:shd"
    skipped = [entry for entry in entries(blocks) if entry.skip]
    assert {(entry.case.T, entry.label, entry.skip) for entry in skipped} == {
        (8, "psn", "not asked"),
        (16, "psn", "not asked"),
    }
    assert len(skipped) == 2 * 2 * 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('neurons = ["lif"', 'nuerons = ["lif"'), 'line 10: unknown key "nuerons"; did you mean "neurons"?'),
        (("[settings]", "[setings]"), 'line 4: unknown key "setings"; did you mean "settings"?'),
        (("[[skip]]", "[[skips]]"), 'line 22: unknown key "skips"; did you mean "skip"?'),
        (("processes = 2", "proceses = 2"), 'line 5: unknown key "proceses"; did you mean "processes"?'),
        (
            ("processes = 2", 'processes = "2"'),
            "line 5: processes = '2'; processes takes an integer from 1",
        ),
        (("version = 1", "version = 2"), "line 1: version = 2; write version = 1"),
        (("version = 1", ""), "line 1: there is no version; write version = 1"),
        (('T = "4..16"', 'T = "16..4"'), 'line 11: T "16..4" runs backwards'),
        (("T = 8", "T = true"), "line 17: T = True; give a string"),
        (('model = "shd"\nneurons', 'model = "shdd"\nneurons'), 'line 9: unknown model "shdd"'),
        (('"lif,psu"', '"lif,pus"'), 'line 16: unknown neuron "pus"; did you mean "psu"?'),
        (('reason = "not asked"', ""), "line 22: it needs a reason"),
        (('T = "8..16"', "T = 5"), "line 22: it matches no case"),
        (('neuron = "psn"', 'neuron = "pns"'), 'line 24: unknown neuron "pns"'),
        (("[[speed]]", "[[speed]"), "is not valid TOML"),
        (('phase = "infer"', 'phase = "test"'), 'line 20: phase "test" does not exist'),
    ],
)
def test_a_mistake_is_one_line_with_file_and_line(tmp_path, change, complaint):
    assert change[0] in GOOD
    with pytest.raises(PsubenchError) as caught:
        suite(tmp_path, GOOD.replace(*change, 1)).blocks("cpu")
    assert complaint in str(caught.value)
    assert str(tmp_path / "some.toml") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_same_case_twice_is_refused(tmp_path):
    twice = 'version = 1\n[[speed]]\nT = "4,8"\n[[speed]]\nT = "8,16"\n'
    with pytest.raises(PsubenchError, match="lif on neuron with T = 8 is in two tables"):
        suite(tmp_path, twice).blocks("cpu")


def test_a_file_that_is_not_there_or_holds_nothing(tmp_path):
    with pytest.raises(PsubenchError, match="cannot read"):
        suite_file.read(tmp_path / "none.toml")
    with pytest.raises(PsubenchError, match=r"there is no table of a command.*\[\[speed\]\]"):
        suite(tmp_path, "version = 1\n")


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ROOT / "suites").glob("*speed*.toml")),
        ROOT / "suites/smoke.toml",
        ROOT / "suites/implementations.toml",
    ],
)
def test_committed_suites_can_be_planned(path):
    read = suite_file.read(path)
    assert 0 < len(entries(read.blocks("cpu"))) <= 500


def test_the_smoke_suite_runs_and_its_networks_are_verified(tmp_path):
    done = here("run", "suites/smoke.toml", "--figures", "--out", tmp_path, "--quiet", check=0, cwd=ROOT)
    rows = speed_rows.rows(jsonl.read(tmp_path / jsonl.NAME))
    assert {row.status for row in rows} == {"ok"}
    assert all(row.verified for row in rows)
    steps = [row for row in rows if row.mode == "step"]
    assert {row.label for row in steps} == {"lif [step]"}
    assert {row.reference for row in steps} == {"lif"}
    of_network = [row for row in rows if row.model.startswith("vggsnn")]
    # Equal spikes in both modes where the normalisation uses its running statistics.
    keys = {row.key for row in of_network if row.neuron == "lif"}
    blocks = [one for one in jsonl.read(tmp_path / jsonl.NAME) if isinstance(one, Block)]
    outcomes = [one for block in blocks for one in block.cases if one.key in keys]
    assert len({one.activity.spike_hash for one in outcomes}) == 1
    assert all(row.size is None for row in of_network)
    assert all(row.peak_memory_bytes > 0 for row in of_network)
    assert (tmp_path / "figure4.png").exists()
    assert (tmp_path / "figure4.pdf").exists()
    assert "data synthetic:dvscifar10" in done.stdout


def test_dry_run_shows_skips_and_estimates_from_earlier_runs(tmp_path):
    path = tmp_path / "some.toml"
    path.write_text(GOOD.replace('T = "4..16"', 'T = "4,8"'))
    before = here("run", str(path), "--dry-run", cwd=tmp_path)
    assert "without psn: not asked" in before.stdout
    assert "9 were never measured here" in before.stdout
    run = ["run", str(path), "--device", "scripted", "--quiet", "--out", "reports/one"]
    assert here(*run, cwd=tmp_path).returncode == 0
    rows = speed_rows.rows(jsonl.read(tmp_path / "reports/one" / jsonl.NAME))
    skipped = [row for row in rows if row.status == "skipped"]
    assert len(skipped) == 4
    assert all(row.median_s is None and row.message == "not asked" for row in skipped)
    after = here("run", str(path), "--device", "scripted", "--dry-run", cwd=tmp_path)
    assert "9 blocks took" in after.stdout
    blocks = suite_file.read(path).blocks("scripted")
    seconds, known = estimate.estimate(blocks, 2, tmp_path / "reports", machine())
    assert known == 9
    records = jsonl.read(tmp_path / "reports/one" / jsonl.NAME)
    took = sum(one.elapsed_s for one in records if isinstance(one, Block | Memory))
    assert seconds == pytest.approx(took, rel=0.5)
    assert estimate.estimate(blocks, 2, tmp_path / "reports", {**machine(), "cpu": "another"}) == (0.0, 0)


MANY = """\
version = 1
[settings]
processes = 1
memory = false
[[speed]]
neurons = "lif,if,plif,clif,lif-noreset,psn,psu,psu@scan,ipsu,rpsu"
T = "1..4+1"
batch = 1
size = 2
data = "normal"
phase = "infer"
"""


def test_a_suite_of_40_cases_killed_twice_and_resumed_ends_like_one_that_was_not(tmp_path):
    path = tmp_path / "many.toml"
    path.write_text(MANY)
    run = ["run", str(path), "--device", "scripted", "--quiet", "--json", "--out"]
    whole = here(*run, str(tmp_path / "whole"))
    assert whole.returncode == 0
    out = tmp_path / "killed"
    for share in (1, 3):
        process = subprocess.Popen(
            [*PROGRAM, *run, str(out), "--resume"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while process.poll() is None and _blocks(out) < share:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert _blocks(out) >= 3  # of 4
    assert here(*run, str(out), "--resume").returncode == 0
    names = ("key", "status", "median_s", "ratio", "rounds", "processes", "firing_rate")
    one, other = (
        [
            {name: getattr(row, name) for name in names}
            for row in speed_rows.rows(jsonl.read(folder / jsonl.NAME))
        ]
        for folder in (tmp_path / "whole", out)
    )
    assert len(one) == 40
    assert one == other


def _blocks(folder):
    path = folder / jsonl.NAME
    return path.read_text().count('"type":"block"') if path.exists() else 0
