"""A baseline is whole and quiet or it is not replaced; trackers get what their formats ask for."""

import json

import pytest
from support.command_line import here
from support.compare_records import changed, run
from support.records_of import text_of, typed, whole

from psubench.compare import baseline
from psubench.errors import PsubenchError
from psubench.experiments.registry import KINDS
from psubench.records import jsonl

pytestmark = pytest.mark.slow

SPEED = KINDS["speed"]
SIX = [0.0, 0.01, -0.01, 0.005, -0.005, 0.0]
RUN = run({("lif", 8, "infer"): SIX, ("psu", 8, "infer"): [v + 0.5 for v in SIX]}, 6)


def store(folder, records):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / jsonl.NAME).write_bytes(text_of(map(whole, records)))
    return folder


def test_a_quiet_run_becomes_the_baseline(tmp_path):
    floor = baseline.replace(store(tmp_path / "new", RUN), tmp_path / "baseline", limit=0.03)
    # All processes have the same A/A ratio of 1.01, so the floor is that.
    assert floor == pytest.approx(0.01, abs=1e-6)
    assert jsonl.read(tmp_path / "baseline" / jsonl.NAME) == typed(RUN)


@pytest.mark.parametrize(
    ("records", "limit", "said", "code"),
    [
        (RUN, 0.005, r"too noisy for a baseline: noise floor 1.0 %, limit 0.5 %", 5),
        (run({("lif", 8, "infer"): SIX}, 1), 0.5, "noise floor unknown", 5),
        (changed(RUN, "psu", status="wrong", message="x"), 0.5, "psu is wrong", 4),
    ],
)
def test_a_noisy_or_failed_run_leaves_the_old_one(tmp_path, records, limit, said, code):
    store(tmp_path / "baseline", RUN)
    with pytest.raises(PsubenchError, match=said) as caught:
        baseline.replace(store(tmp_path / "new", records), tmp_path / "baseline", limit)
    assert caught.value.exit_code == code
    assert jsonl.read(tmp_path / "baseline" / jsonl.NAME) == typed(RUN)


SUITE = """version = 1
[settings]
max_seconds = 0.05
[[speed]]
neurons = "psu"
data = "normal"
T = 4
phase = "infer"
"""


def program(*arguments, cwd):
    return here(*arguments, check=0, cwd=cwd).stdout


def test_the_program_measures_a_baseline_that_compares_equal_with_itself(tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    options = ["--suite", "suite.toml", "--device", "scripted", "--processes", "2", "--limit", "90%"]
    assert "2 cases" in program("baseline", "update", *options, "--out", "kept", cwd=tmp_path)
    assert "2 identical" in program("compare", "kept", "kept", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["kept"]


def test_github_action_benchmark_gets_times_relative_to_the_reference():
    entries = json.loads(SPEED.export(SPEED.of([typed(RUN)]), "github-action-benchmark"))
    (entry,) = entries
    axes = "T=8, batch=8, size=64, model=neuron, data=normal, mode=layer, dtype=float32, device=cpu"
    assert entry["name"] == f"psu, infer, {axes}, threads=1, reference=lif"
    assert entry["unit"] == "times lif"
    assert entry["value"] == pytest.approx(0.6065, abs=0.01)
    assert set(entry) == {"name", "unit", "value", "range", "extra"}


def test_bencher_gets_both_measures_and_no_unknown():
    found = json.loads(
        SPEED.export(SPEED.of([typed(changed(RUN, "lif", status="failed", message="x"))]), "bencher")
    )
    assert list(found) == [
        entry["name"] for entry in json.loads(SPEED.export(SPEED.of([typed(RUN)]), "github-action-benchmark"))
    ]
    (measures,) = found.values()
    assert (
        measures["latency"]["lower_value"]
        <= measures["latency"]["value"]
        <= measures["latency"]["upper_value"]
    )
    whole = json.loads(SPEED.export(SPEED.of([typed(RUN)]), "bencher"))
    assert len(whole) == 2
    psu = next(value for name, value in whole.items() if name.startswith("psu"))
    assert (
        psu["relative-time"]["lower_value"]
        < psu["relative-time"]["value"]
        < psu["relative-time"]["upper_value"]
    )
