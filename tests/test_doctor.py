"""`psubench doctor`: its numbers by hand, its text as a golden file, and the whole of it on this machine."""

import io
import json
import math
import subprocess
import sys

import pytest
from rich.console import Console
from support.command_line import LONGEST_SECONDS, here
from support.powercap import zones
from support.records_of import typed
from support.render_rows import same_as_golden

from psubench import doctor
from psubench.compare.power import smallest_effect
from psubench.devices.energy_meters import ROOT_VARIABLE
from psubench.records.measured import AGAIN
from psubench.render import doctor as shown

CASE = {"device": "cpu", "threads": 1, "T": 24, "batch": 4, "size": 64, "phase": "train"}
OK = {"key": "k", "neuron": "lif", "status": "ok", "message": None}


def block(ratio_again, ratio_psu, faults=(0,) * 8, cpu_share=1.0):
    """One process of eight rounds; ratios as t_lif / t_other."""
    rounds = 8
    wall = {"lif": [1_000_000] * rounds}
    wall |= {AGAIN: [round(1e6 / ratio_again)] * rounds, "psu": [round(1e6 / ratio_psu)] * rounds}
    per_round = sum(samples[0] for samples in wall.values())
    return typed_block(
        reference="lif", rounds=rounds, loops=1, case=CASE, cases=[OK, {**OK, "neuron": "psu"}], wall_ns=wall,
        faults=list(faults), cpu_ns=[round(per_round * cpu_share)] * rounds,
    )  # fmt: skip


def typed_block(**fields):
    (made,) = typed([{"type": "block", **fields}])
    return made


def test_noise_is_what_processes_differ_by():
    records = [block(1.00, 0.50), block(1.02, 0.55)]
    found = doctor.noise(records, 0.03)
    # The fastest sample of the reference is its second one, in the second process.
    same, other = math.log(1.02), math.log(0.55 / 1.02 / 0.50)
    assert found["sd"] == pytest.approx(abs(other) / math.sqrt(2), rel=1e-4)
    # Student's t of one degree of freedom: 12.706
    assert found["noise_floor"] == pytest.approx(math.expm1(same / 2 + 12.706 * same / 2), rel=1e-3)
    assert found["smallest_effect"] == smallest_effect(math.sqrt(2) * found["sd"], 0.03, 0.9)
    assert (found["processes"], found["rounds"], found["failed"]) == (2, 16, [])
    assert found["case"] == "lif against itself and psu, train, T=24 batch=4 size=64"


def test_one_process_has_no_spread():
    found = doctor.noise([block(1.01, 0.5)], 0.03)
    spreads = ("noise_floor", "sd", "smallest_effect")
    assert [found[name] for name in spreads] == [None] * 3


def test_a_process_that_failed_is_told_and_not_counted():
    bad = {**OK, "status": "oom", "message": "out of memory"}
    lost = typed_block(case=CASE, cases=[bad, bad])
    found = doctor.noise([lost, block(1.0, 0.5)], 0.03)
    assert (found["processes"], found["failed"], found["sd"]) == (1, ["out of memory"] * 2, None)
    assert doctor.of_windows([lost]) == []


@pytest.mark.parametrize(
    ("faults", "cpu_share", "states"),
    [((0,) * 8, 1.0, ["ok", "ok"]), ((0, 3) * 4, 1.0, ["found", "ok"]), ((0,) * 8, 0.7, ["ok", "found"])],
)
def test_the_windows_tell_of_faults_and_of_waiting(faults, cpu_share, states):
    findings = doctor.of_windows([block(1.0, 0.5, faults, cpu_share)])
    assert [finding.state for finding in findings] == states
    assert "50 % of the rounds" in findings[0].found or states[0] == "ok"
    assert "30.0 % of the time" in findings[1].found or states[1] == "ok"


def test_energy_counters_or_why_not(tmp_path, monkeypatch):
    monkeypatch.setenv(ROOT_VARIABLE, str(zones(tmp_path, n_0=("package-0", 7))))
    (entry,) = doctor.counters("cpu")
    assert (entry["counter"], entry["step_j"]) == ("rapl:package-0", None)
    assert entry["reason"] == "package-0 did not count for 1 s"
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path / "nothing"))
    (entry,) = doctor.counters("cpu")
    assert entry["counter"] is None
    assert "virtual machine" in entry["reason"]
    assert entry["remedy"]
    assert doctor.counters("scripted") == []


REPORT = {
    "machine": {
        "os": "Linux",
        "kernel": "6.1",
        "architecture": "x86_64",
        "cpu": "AMD EPYC 9000",
        "physical_cores": 8,
        "logical_cores": 16,
        "memory_bytes": 64 << 30,
        "governor": "performance",
        "smt": True,
        "virtual": None,
        "transparent_huge_pages": "madvise",
        "python": "3.11.7",
        "psubench": "0.1.0",
        "torch": "2.13.0",
        "numpy": None,
    },
    "devices": [
        {"name": "cpu", "usable": True, "about": "AMD EPYC 9000"},
        {
            "name": "cuda",
            "usable": False,
            "about": "no NVIDIA driver answers; install or start the NVIDIA driver",
        },
    ],
    "energy": [
        {
            "device": "cpu",
            "counter": "rapl:package-0",
            "step_j": 6.1e-5,
            "period_s": 0.00101,
            "reason": None,
            "remedy": None,
        },
        {
            "device": "cpu",
            "counter": None,
            "step_j": None,
            "period_s": None,
            "reason": "package-1: energy_uj: Permission denied",
            "remedy": "sudo chmod a+r /sys/class/powercap/*/energy_uj",
        },
        {
            "device": "cpu",
            "counter": "rapl:package-2",
            "step_j": None,
            "period_s": None,
            "reason": "package-2 did not count for 1 s",
            "remedy": None,
        },
    ],
    "noise": {
        "case": "lif against itself and psu, train, T=24 batch=4 size=64",
        "device": "cpu",
        "processes": 5,
        "rounds": 1234,
        "noise_floor": 0.0123,
        "sd": 0.011,
        "smallest_effect": 0.0834,
        "power": 0.9,
        "margin": 0.03,
        "failed": ["the worker died of SIGSEGV"],
    },
    "without_clock": [
        {"what": "work", "state": "ok", "found": "operators and memory", "remedy": None},
        {
            "what": "instructions",
            "state": "no",
            "found": "valgrind is not installed",
            "remedy": "install it (Debian, Ubuntu: apt install valgrind)",
        },
    ],
    "findings": [
        {
            "what": "steal time",
            "state": "ok",
            "found": "the hypervisor took 0.00 % of the time",
            "remedy": None,
        },
        {
            "what": "governor",
            "state": "found",
            "found": "powersave",
            "remedy": "sudo cpupower frequency-set -g performance",
        },
        {"what": "boost", "state": "unknown", "found": "the system does not report it", "remedy": None},
    ],
}


def printed(report, encoding="utf-8"):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    shown.show(report, Console(file=stream, width=80, highlight=False, color_system=None))
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def test_the_text_at_80_columns():
    text = printed(REPORT)
    assert same_as_golden("doctor_80.txt", text)
    assert max(map(len, text.splitlines())) <= 80


def test_a_terminal_of_ascii_and_noise_that_was_not_measured():
    text = printed(REPORT | {"noise": None}, "ascii")
    assert "61.0 uJ every 1.01 ms" in text
    assert "--seconds 10 measures it" in text


def run(*options):
    done = here("doctor", *options)
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_the_real_thing(tmp_path):
    command = [
        sys.executable,
        "-m",
        "psubench",
        "doctor",
        "--seconds",
        "0.4",
        "--processes",
        "2",
        "--json",
        "--quiet",
    ]
    done = subprocess.run(
        [*command, "--device", "cpu"], check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    noise = report["noise"]
    assert (noise["processes"], noise["failed"]) == (2, [])
    assert noise["rounds"] >= 12
    assert noise["sd"] > 0
    assert noise["smallest_effect"] > 0.03
    assert report["machine"]["logical_cores"] >= 1
    assert report["devices"][0]["name"] == "cpu"
    assert {entry["what"] for entry in report["findings"]} >= {
        "other programs", "steal time", "heat", "page faults", "waiting for a core", "threads", "governor",
        "boost",
    }  # fmt: skip
    assert [entry["what"] for entry in report["without_clock"]] == ["work", "instructions"]
    assert {entry["state"] for entry in report["findings"]} <= {"ok", "found", "unknown"}


def test_a_fake_clock_has_noise_of_one_percent():
    done = run("--device", "scripted", "--seconds", "30", "--processes", "3", "--quiet", "--json")
    noise = json.loads(done.stdout)["noise"]
    # Medians of hundreds of rounds whose durations scatter by 1 %.
    assert 0 < noise["noise_floor"] < 0.01
    assert 0.03 < noise["smallest_effect"] < 0.05


def test_nothing_is_measured_in_no_seconds():
    done = run("--seconds", "0")
    assert done.returncode == 0
    assert "not measured" in done.stdout
    assert "other programs" not in done.stdout


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--margin", "x"], '--margin "x" is not a share'),
        (["--device", "gpu"], 'device "gpu"'),
        (["--seconds", "-1"], "-1"),
    ],
)
def test_a_usage_error_is_one_line(options, complaint):
    done = run(*options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
