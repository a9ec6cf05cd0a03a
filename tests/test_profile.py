"""`psubench profile` as a user runs it: real traces, what they show, and what goes wrong."""

import csv
import gzip
import json
import os
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest
from support.command_line import LONGEST_SECONDS, PROGRAM, here

from psubench.errors import PsubenchError
from psubench.experiments.profile import rows as profile_rows
from psubench.experiments.profile.options import ProfileOptions
from psubench.experiments.profile.plan import CALLS, profile_blocks
from psubench.records import jsonl
from psubench.records.profiled import Profiled

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parent
WRONG = TESTS / "wrong_neurons.py"
VGGSNN = ["--model", "vggsnn(width=0.125)", "--T", "4", "--batch", "1", "--phase", "infer", "--mode", "step"]
SMALL = ["--T", "4", "--batch", "2", "--size", "8", "--data", "normal"]


def psubench(*arguments, check=0):
    done = here(*arguments, check=check)
    assert "Traceback" not in done.stderr
    return done


def cases(folder):
    return {case.label: case for case in profile_rows.cases(jsonl.read(folder / jsonl.NAME))}


def spikes(folder):
    records = jsonl.read(folder / jsonl.NAME)
    cases = [one for record in records if isinstance(record, Profiled) for one in record.cases]
    return {one.neuron: one.activity.spikes for one in cases}


@pytest.fixture(scope="module")
def vggsnn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    done = psubench("profile", *VGGSNN, "--neurons", "lif,psu", "--figures", "--out", folder)
    return folder, done.stdout


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("profile")
    neurons = f"lif,psu@scan,{WRONG}:Raises,{WRONG}:Crashes,{WRONG}:NoReference"
    done = psubench("profile", *SMALL, "--phase", "infer", "--neurons", neurons, "--out", folder, check=4)
    return folder, done


def test_step_mode_launches_more_than_layer_mode(vggsnn):
    folder, shown = vggsnn
    found = cases(folder)
    lif, psu = found["lif [step]"], found["psu"]
    launches = {
        name: {layer.name: layer.launches for layer in profile_rows.layers(found[name])} for name in found
    }
    # The whole network once per step, against all steps at once: so T times as often, but for neurons.
    for layer in (layer for layer in launches["psu"] if layer[:-1] in ("conv", "bn", "pool", "fc")):
        assert launches["lif [step]"][layer] == 4 * launches["psu"][layer] > 0
    # U = A x, V = U - B sigmoid(U), S = V >= 1 in floats: as many operators for any number of steps.
    assert {launches["psu"][f"neuron{number}"] for number in range(1, 9)} == {launches["psu"]["neuron1"]}
    assert launches["psu"]["neuron1"] < 6
    lifs, psus = (profile_rows.total(case).launches_per_step for case in (lif, psu))
    assert lifs / psus > 3
    line = next(line for line in " ".join(shown.split()).split(". ") if line.startswith("psu launches"))
    assert line.endswith("fewer than lif [step]")


def test_the_trace_reads_in_the_networks_terms(vggsnn):
    folder, _ = vggsnn
    for label, times in (("lif [step]", 4), ("psu", 1)):
        case = cases(folder)[label]
        with gzip.open(folder / case.profile.trace) as file:
            names = [event["name"] for event in json.load(file)["traceEvents"]]
        for title in ("conv8: Conv2d", f"neuron8: {label.split()[0]}", "fc1: Linear"):
            assert names.count(title) == CALLS * times
        assert names.count("forward") == CALLS
        assert (case.status, case.verified) == ("ok", True)
        assert spikes(folder)[label] > 0


def test_shares_are_those_of_a_whole_call(vggsnn):
    for case in cases(vggsnn[0]).values():
        shares = {role.name: role.share for role in profile_rows.roles(case)}
        assert sum(shares.values()) == pytest.approx(1)
        assert shares["synapse"] > 0.1
        assert shares["unattributed"] == 0  # there is no backward pass
        assert sum(layer.time_s for layer in profile_rows.layers(case)) == pytest.approx(
            profile_rows.total(case).time_s
        )


def test_csv_json_figures_and_tables_of_a_run(vggsnn, tmp_path):
    folder, shown = vggsnn
    table = list(csv.DictReader((folder / "profile.csv").read_text().splitlines()))
    objects = json.loads(psubench("show", folder, "--json").stdout)
    assert [list(one) for one in objects[:1]] == [list(table[0])]
    assert len(objects) == len(table)
    assert [row["name"] for row in table] == [one["name"] or "" for one in objects]
    assert {row["part"] for row in table} == {"total", "role", "layer", "operator"}
    assert (folder / "profile.csv").read_text() == psubench("export", folder).stdout
    for name in ("share", "launches", "timeline"):
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert (folder / f"{name}.png").stat().st_size > 5000
    drawn = psubench("plot", folder, "--out", tmp_path, "--format", "svg").stdout.split()
    assert [Path(path).name for path in drawn] == ["share.svg", "launches.svg", "timeline.svg"]
    assert shown.startswith(psubench("show", folder).stdout)
    assert max(map(len, shown.splitlines()[:-2])) <= 80
    assert psubench("export", folder, "--format", "latex").stdout.count(r"\toprule") == 1
    assert "| lif [step] |" in psubench("export", folder, "--format", "markdown").stdout


def test_who_fails_is_a_row_and_costs_only_itself(trained):
    folder, done = trained
    found = cases(folder)
    status = {label: case.status for label, case in found.items()}
    assert status == {
        "lif": "ok", "psu@scan": "ok", "Raises": "failed", "Crashes": "failed", "NoReference": "ok",
    }  # fmt: skip
    assert "SIGABRT" in found["Crashes"].message
    assert found["NoReference"].verified is False
    assert "NoReference: unverified" in done.stdout
    rows = list(csv.DictReader((folder / "profile.csv").read_text().splitlines()))
    failed = [row for row in rows if row["status"] == "failed"]
    assert len(failed) == 2
    assert {row[name] for row in failed for name in ("time_s", "launches", "peak_memory_bytes")} == {""}


def test_resumed_it_measures_what_it_lacks(trained, tmp_path):
    lines = (trained[0] / jsonl.NAME).read_text().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if '"type":"profile"' in line)
    (tmp_path / jsonl.NAME).write_text("".join(lines[: first + 1]))
    arguments = ["--phase", "infer", "--neurons", f"lif,psu@scan,{WRONG}:NoReference", "--out", tmp_path]
    assert cases(tmp_path)["psu@scan"].status == "interrupted"
    psubench("profile", *SMALL, *arguments, "--resume")
    kept = [line for line in (tmp_path / jsonl.NAME).read_text().splitlines() if '"type":"profile"' in line]
    assert [json.loads(line)["cases"][0]["neuron"].rsplit(":")[-1] for line in kept] == [
        "lif", "psu@scan", "NoReference",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--T", "4,8"], 'T "4,8" has 2 values, and a profile is of one; write for example --T 4'),
        (["--phase", "infer,train"], 'phase "infer,train" has 2 values'),
        (["--device", "scripted"], "device scripted runs nothing"),
        (["--model", "vggsn"], 'did you mean "vggsnn"?'),
        (["--neurons", "lfi"], 'unknown neuron "lfi"; did you mean "lif"?'),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(arguments, complaint):
    done = psubench("profile", *arguments, check=2)
    assert done.stdout == ""
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_cases_of_a_profile():
    blocks = profile_blocks(ProfileOptions(neurons="psu,lif"), "cpu")
    assert [(b.case.T, b.case.kind, [e.label for e in b.entries]) for b in blocks] == [
        (32, "profile", ["psu"]), (32, "profile", ["lif"]),
    ]  # fmt: skip
    options = ProfileOptions(neurons="psu,lif", model="shd", mode=("layer", "step"))
    assert [b.entries[0].label for b in profile_blocks(options, "cpu")] == ["psu", "lif", "lif [step]"]
    with pytest.raises(PsubenchError, match='batch "1,2,4" has 3 values'):
        profile_blocks(ProfileOptions(batch=(1, 2, 4)), "cpu")


def test_runs_of_several_kinds_are_shown_one_after_the_other_and_exported_alone(vggsnn):
    example = TESTS.parent / "reports" / "example"
    shown = psubench("show", example, vggsnn[0]).stdout
    assert "t_lif / t_neuron" in shown
    assert "launches" in shown
    assert "give runs of one kind" in psubench("export", example, vggsnn[0], check=2).stderr


def test_tensorboard_lists_the_run(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    pytest.importorskip("torch_tb_profiler", reason="the extra tensorboard is not installed")
    arguments = ["profile", *SMALL, "--neurons", "lif,psu", "--tensorboard", "--out", tmp_path / "run"]
    command = [*PROGRAM, *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        address = None
        for line in process.stderr:
            if line.startswith("TensorBoard: "):
                address = line.split()[1].partition("#")[0]
                break
        assert address is not None
        assert address.startswith("http://127.0.0.1:")

        def ask(what):
            with urlopen(f"{address}data/plugin/pytorch_profiler/{what}", timeout=LONGEST_SECONDS) as answer:
                return json.load(answer)

        names = [Path(case.profile.trace).parent.name for case in cases(tmp_path / "run").values()]
        assert sorted(ask("runs")["runs"]) == sorted(names)
        for name in names:
            assert any("Operator" in str(view) for view in ask(f"views?run={name}"))
    finally:
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=LONGEST_SECONDS)
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_without_tensorboard_the_command_says_so_before_it_measures(tmp_path, monkeypatch):
    from psubench.cli import tensorboard

    monkeypatch.setattr(tensorboard.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PsubenchError, match=r"pip install 'psubench\[tensorboard\]', or open the traces"):
        tensorboard.require()
