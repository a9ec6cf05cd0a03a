"""Neurons that cheat, leak and lie, all in one block beside lif and psn, whose results stay their own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from psubench.experiments.speed import rows
from psubench.records import jsonl
from psubench.records.measured import Block

CHEATS = Path(__file__).parent / "cheating_neurons.py"
COMMAND = [
    sys.executable, "-m", "psubench", "speed", "--T", "8", "--batch", "4", "--size", "16", "--phase", "infer",
    "--processes", "1", "--max-seconds", "0.05", "--quiet", "--no-memory", "--timeout", "60",
]  # fmt: skip
CAUGHT = {
    # First those who end the worker: a block is tried again without them, from its beginning.
    "Exits": ("failed", "exit code 0"),
    "Interrupts": ("failed", "KeyboardInterrupt"),
    "Leaves": ("failed", "SystemExit"),
    "Deep": ("failed", "Recursion|SIGSEGV"),
    "EveryTenth": ("wrong", "other|differ|causal"),
    "Late": ("wrong", "other|differ|caches"),
    "OnlyInference": ("wrong", "differ from the reference"),
    "NaNWhileTimed": ("wrong", "NaN"),
    "ZeroWhileTimed": ("wrong", "other results than it was checked with"),
    "MemoByAddress": ("wrong", "caches|copy|kept between calls"),
    "MemoByVersion": ("wrong", "caches|copy"),
    "MemoByContent": ("wrong", "caches"),
    "WritesLater": ("wrong", "writes to its input"),
    "WritesBehind": ("wrong", "writes to its input"),
    "ShortOfPrecision": ("wrong", "differ from the reference"),
    "SetsDtype": ("failed", "default dtype"),
    "Thread": ("failed", "running thread"),
    "Twin": ("failed", "running process"),
    "BusyChild": ("failed", "running process"),
    "Leaks": ("failed", "open files"),
    "SavesHooks": ("failed", "hooks of saved tensors"),
    "Daemon": ("failed", "running process"),
    "Speechless": ("failed", "its text cannot be read"),
}
PUT_BACK = ["PatchesTorch", "PatchesPsubench", "SetsThreads", "SpoilsThePython"]
EITHER = ["PatchesWhileTimed"]  # what is seen of it depends on how fast the machine is


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cheats")
    names = [*CAUGHT, *PUT_BACK, *EITHER]
    plug_ins = [f"{CHEATS}:{name}" for name in names]
    found = {}
    for run, neurons in (("alone", ["lif", "psn"]), ("beside", ["lif", *plug_ins, "psn"])):
        command = [*COMMAND, "--neurons", ",".join(neurons), "--out", str(folder / run)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert "Traceback" not in done.stderr
        records = jsonl.read(folder / run / jsonl.NAME)
        found[run] = {row.label: row for row in rows.rows(records)}
        blocks = [one for one in records if isinstance(one, Block)]
        found[f"spikes {run}"] = {
            outcome.neuron.rpartition(":")[2]: outcome.activity.spike_hash
            for block in blocks
            for outcome in block.cases
            if outcome.activity
        }
    return found


@pytest.mark.parametrize("name", CAUGHT)
def test_a_neuron_that_cheats_or_leaks_is_a_row_that_says_so(measured, name):
    row = measured["beside"][name]
    status, message = CAUGHT[name]
    assert row.status == status, row.message
    assert re.search(message, row.message)
    assert row.median_s is None


@pytest.mark.parametrize("name", PUT_BACK)
def test_what_a_neuron_sets_when_it_is_built_is_put_back(measured, name):
    row = measured["beside"][name]
    assert (row.status, row.verified) == ("ok", True), row.message
    assert measured["spikes beside"][name] == measured["spikes alone"]["lif"]


@pytest.mark.parametrize("name", ["lif", "psn"])
def test_the_others_keep_their_own_spikes_and_times(measured, name):
    beside = measured["beside"][name]
    assert (beside.status, beside.verified) == ("ok", True), beside.message
    assert measured["spikes beside"][name] == measured["spikes alone"][name]
    assert beside.threads == 1
    assert beside.median_s > 0
    assert beside.ratio is not None or name == "lif"
