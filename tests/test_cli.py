"""The command line as a user meets it: help, lists, mistakes, exports."""

import csv
import json

import pytest
from support.command_line import here, psubench
from support.places import EXAMPLE

from psubench.errors import PsubenchError
from psubench.experiments import notations


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--T", "9..4"], r'--T "9..4" runs backwards from 9 to 4; write for example --T 4..128'),
        (["--T", "0..8"], r'--T "0..8" contains 0, and values start at 1'),
        (["--batch", "x"], r'--batch "x"'),
        (["--neurons", "lfi"], 'unknown neuron "lfi"; did you mean "lif"?'),
        (["--neurons", "psu@scna"], 'did you mean "scan"?'),
        (["--neurons", "lif(tau=1)"], "tau = 1"),
        (["--neurons", "lif(tua=2)"], 'did you mean "tau"?'),
        (["--neurons", "nofile.py:X"], 'there is no file "nofile.py"'),
        (["--reference", "psuu"], 'did you mean "psu"?'),
        (["--device", "cuda:99"], 'device "cuda:99"'),
        (["--device", "gpu"], 'device "gpu" does not exist'),
        (["--data", "spoken"], 'did you mean "spoken-digits"?'),
        (["--dtype", "float8"], '--dtype "float8" does not exist'),
        (["--phase", "test"], '--phase "test" does not exist'),
        (["--model", "vggsn"], 'unknown model "vggsn"; did you mean "vggsnn"?'),
        (["--model", "vggsnn(depth=0)"], "depth is a whole number"),
        (["--model", "shd", "--data", "spoken-digits"], "takes steps of shape [700], spoken-digits has [26]"),
        (["--model", "mlp", "--data", "normal"], "takes its shape from the data"),
        (["--model", "shd", "--mode", "steps"], '--mode "steps" does not exist'),
        (["--mode", "step"], "one layer is not a network"),
        (["--T", "1..101+1"], "1010 cases are planned, more than 500"),
        (["--precision", "200%"], "--precision"),
        (["--max-memory", "lots"], "--max-memory"),
        (["--processes", "0"], "processes"),
        (["--resume"], "--resume needs to know which run"),
        (["--out", "/dev/null/run"], "cannot write /dev/null/run"),
        (["--nonsense"], "No such option"),
        (["extra"], "unexpected extra argument"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_2(arguments, complaint):
    done = here("speed", "--processes", "1", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "command", ["doctor --seconds", "compare --git HEAD --budget", "selftest aa --budget"]
)
def test_seconds_are_a_number(command, tmp_path):
    done = here(*command.split(), "nan", cwd=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "nan; it takes a number of seconds" in done.stderr


def test_a_mistake_leaves_no_folder_behind(tmp_path):
    here("speed", "--T", "9..4", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [[], ["speed"], ["train"], ["accuracy"], ["show"], ["plot"], ["export"], ["list"], ["list", "neurons"]],
)
def test_every_command_has_help(command):
    done = here(*command, "--help")
    assert done.returncode == 0
    assert "Usage: psubench" in done.stdout


def test_list_neurons_knows_every_neuron_and_is_json_on_request():
    from psubench.neurons import TABLE

    text = " ".join(here("list", "neurons").stdout.split())
    assert all(" ".join(spec.equation.split()) in text for spec in TABLE.values())
    entries = json.loads(here("list", "neurons", "--json").stdout)
    assert [entry["neuron"] for entry in entries] == list(TABLE)
    assert {entry["neuron"]: entry["causal"] for entry in entries}["psn"] is False


def test_list_data_and_devices():
    assert "spoken-digits" in here("list", "data").stdout
    names = [entry["device"] for entry in json.loads(here("list", "devices", "--json").stdout)]
    assert names[0] == "cpu"
    assert names[-1] == "scripted"


def test_dry_run_lists_every_block_and_measures_nothing(tmp_path):
    done = here("speed", "--T", "4..16", "--neurons", "psu", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("lif, psu") == 6
    assert "12 cases in 6 blocks" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_showing_a_run_that_is_not_there_is_one_line(tmp_path):
    for command in ("show", "plot", "export"):
        done = here(command, str(tmp_path))
        assert (done.returncode, done.stdout) == (2, "")
        assert "no record at" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_the_example_can_be_shown_exported_and_drawn(tmp_path):
    shown = psubench("show", EXAMPLE)
    assert shown.returncode == 0
    assert "slower" in shown.stdout
    table = list(csv.DictReader(here("export", str(EXAMPLE)).stdout.splitlines()))
    objects = json.loads(here("export", str(EXAMPLE), "--format", "json").stdout)
    assert len(table) == len(objects) == 60
    assert [float(row["ratio"]) for row in table] == [row["ratio"] for row in objects]
    assert here("export", str(EXAMPLE), "--format", "latex").stdout.count(r"\toprule") >= 1
    assert here("export", str(EXAMPLE), "--format", "markdown").stdout.count("\n| train ") == 30
    drawn = here("plot", str(EXAMPLE), "--format", "svg", "--out", str(tmp_path))
    assert drawn.returncode == 0
    assert len(list(tmp_path.glob("*.svg"))) == 4


def test_the_columns_of_the_csv_are_the_contract():
    contract = (
        "kind neuron implementation model data T batch size device dtype phase mode threads status verified"
        " reference median_s p05_s p95_s ratio ratio_low ratio_high noise_floor rounds processes"
        " peak_memory_bytes message run_id least_bytes copy_bytes_per_s copy_share"
    )
    assert (EXAMPLE / "speed.csv").read_text().splitlines()[0] == contract.replace(" ", ",")


@pytest.mark.parametrize(
    ("text", "value"),
    [("4GiB", 4 * 2**30), ("500MB", 500 * 10**6), ("0.5 gib", 2**29), ("300000000", 300_000_000)],
)
def test_sizes(text, value):
    assert notations.size_in_bytes(text, "--max-memory") == value


def test_shares():
    assert notations.share("2%", "--precision") == notations.share("0.02", "--precision") == 0.02
    for text in ("", "0", "100%", "x", "nan"):
        with pytest.raises(PsubenchError, match="--precision"):
            notations.share(text, "--precision")
