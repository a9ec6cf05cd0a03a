"""Standard output and error: closed, full, and of another encoding. Real processes and real pipes."""

import json
import os
import signal
import subprocess
import sys

import pytest
from support import robustness
from support.command_line import LONGEST_SECONDS, PROGRAM, until
from support.records_of import text_of

from psubench.records import jsonl
from psubench.records.run import End

pytestmark = pytest.mark.slow

PROGRAM = [*PROGRAM]


@pytest.fixture
def run(tmp_path):
    """A run with letters that ASCII lacks."""
    records = json.loads(json.dumps(robustness.RUNS["speed"]))
    for case in records[0]["cases"]:
        case["label"] += " µ|Ω"
    (tmp_path / jsonl.NAME).write_bytes(text_of(records))
    return tmp_path


def code_with_closed_reader(*arguments, unbuffered=""):
    """Exit code of a command whose output nobody reads."""
    reads, writes = os.pipe()
    os.close(reads)
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=writes, stderr=writes, env=environment)
    os.close(writes)
    return process.wait(timeout=LONGEST_SECONDS)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_is_not_a_regression(run, unbuffered):
    for command in (["show", run], ["list", "neurons"], ["--help"], ["export", run], ["show", run, "--json"]):
        assert code_with_closed_reader(*command, unbuffered=unbuffered) == 0, command


def test_a_closed_pipe_changes_no_exit_code(run, tmp_path):
    assert code_with_closed_reader("show", tmp_path / "nothing") == 2
    other = json.loads(json.dumps(robustness.RUNS["speed"]))
    for one in other:
        if one["type"] == "block":
            slow = one["cases"][1]["neuron"]
            one["wall_ns"][slow] = [3 * time for time in one["wall_ns"][slow]]
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / jsonl.NAME).write_bytes(text_of(other))
    command = ["compare", str(run), str(tmp_path / "slow")]
    told = robustness.call(*command)[0]
    assert code_with_closed_reader(*command) == told


EXPORTS = """
import sys
from psubench.cli import main
run = sys.argv[1]
for format in ("json", "csv", "markdown"):
    sys.argv[1:] = ["export", run, "--format", format]
    try:
        main()
    except SystemExit as end:
        assert not end.code
    print(end="\\f", flush=True)
"""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "cp1252:strict"])
def test_machine_formats_are_the_same_in_every_locale(run, encoding):
    done = subprocess.run(
        [sys.executable, "-c", EXPORTS, run],
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"},
        capture_output=True,
        check=True,
    )
    json_text, csv, markdown = done.stdout.decode("utf-8").split("\f")[:3]
    assert json_text.isascii()
    assert json.loads(json_text)[0]["label"].endswith(" µ|Ω")
    assert csv.startswith("kind,neuron,")
    assert r"µ\|Ω" in markdown


def test_a_full_disk_behind_standard_output_is_one_line():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*PROGRAM, "list", "neurons"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1


def test_a_closed_output_takes_no_file_with_it(run, tmp_path):
    """The number of a closed stream goes to the next file that is opened: nothing must be printed into it."""
    out = tmp_path / "rows.csv"
    code = 'exec "$0" -m psubench export "$1" --out "$2" >&- 2>&- <&-'
    subprocess.run(["sh", "-c", code, sys.executable, run, out], check=True)
    assert out.read_text() == robustness.call("export", run)[1]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, None])
def test_signals_end_a_run_as_ctrl_c_does(tmp_path, number):
    """As does the end of the process that has started a side of a comparison, which closes its input."""
    out = tmp_path / "run"
    command = [
        *PROGRAM, "speed", "--T", "4..40+1", "--batch", "1", "--size", "4", "--data", "normal", "--neurons",
        "psu", "--phase", "infer", "--processes", "1", "--max-seconds", "0.02", "--no-memory", "--quiet",
        "--device", "scripted", "--out", str(out),
    ]  # fmt: skip
    side = {"PSUBENCH_RECORD_ONLY": "1"} if number is None else {}
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path), **side},
    )  # fmt: skip
    until(lambda: (out / jsonl.NAME).exists() and b'"block"' in (out / jsonl.NAME).read_bytes(), process)
    if number is not None:
        process.send_signal(number)
    _, told = process.communicate(timeout=LONGEST_SECONDS)  # closes its input
    assert process.returncode == 128 + (number or signal.SIGTERM)
    assert b"interrupted; continue with: " in told
    assert jsonl.read(out / jsonl.NAME)[-1] == End(status="interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]  # no folder of a worker is left


def test_a_signal_that_comes_in_a_destructor_is_not_lost():
    """What a destructor raises is dropped by Python, and another signal would be ignored by then."""
    code = (
        "import os, signal, time\nfrom psubench.cli import signals\nsignals.end_cleanly()\n"
        "class Dies:\n def __del__(self):\n  os.kill(os.getpid(), signal.SIGTERM)\n  sum(range(10**5))\n"
        "try:\n Dies()\n time.sleep(600)\nexcept KeyboardInterrupt:\n print(signals.exit_code(130))\n"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "143\n"
