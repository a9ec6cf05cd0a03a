"""`psubench energy` from the command line to its table, over a stand-in for /sys whose counters count."""

import csv
import json
import threading
import time

import pytest
from support import energy_records
from support.command_line import here
from support.places import EXAMPLE
from support.records_of import typed

from psubench.records import jsonl
from psubench.records import recorder as records_recorder
from psubench.records.measured import IDLE, Energy

pytestmark = pytest.mark.slow

BASE = ["energy", "--T", "4", "--batch", "2", "--size", "8", "--data", "normal",
    "--phase", "infer", "--neurons", "psu", "--device", "cpu", "--processes", "1", "--windows", "1",
    "--window", "0.1", "--quiet",
]  # fmt: skip
WATT = {"intel-rapl:0": ("package-0", 30), "intel-rapl:0:0": ("core", 25), "intel-rapl:0:1": ("dram", 5)}
RANGE = 20_000_000  # microjoule: the package's counter begins again every 0.7 s


class Feeder(threading.Thread):
    """Lets the counters under a folder count at a constant power until it is told to stop."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.zones = {}
        for zone, (name, watt) in WATT.items():
            folder = root / "sys/class/powercap" / zone
            folder.mkdir(parents=True)
            (folder / "name").write_text(name)
            (folder / "max_energy_range_uj").write_text(str(RANGE))
            self.zones[folder] = watt
        self.count()

    def count(self):
        for folder, watt in self.zones.items():
            # Replaced, so that a reader finds the old number or the new one.
            (folder / "new").write_text(str(int(time.monotonic() * watt * 1e6) % RANGE))
            (folder / "new").replace(folder / "energy_uj")

    def run(self):
        while not self.ended.wait(0.005):
            self.count()


@pytest.fixture
def counters(tmp_path):
    feeder = Feeder(tmp_path / "host")
    yield feeder
    feeder.ended.set()
    if feeder.is_alive():
        feeder.join()


@pytest.fixture
def energy(monkeypatch):
    """Runs the command on the machine that a folder shows."""

    def run(out, host, *options):
        monkeypatch.setenv("PSUBENCH_HOST_ROOT", str(host))
        done = here(*BASE, "--out", out, *options)
        assert "Traceback" not in done.stderr
        return done

    return run


def test_a_run_from_the_counters_to_the_table(tmp_path, counters, energy):
    counters.start()
    out = tmp_path / "run"
    done = energy(out, tmp_path / "host")
    assert done.returncode == 0, done.stderr
    rows = {row["neuron"]: row for row in csv.DictReader((out / "energy.csv").read_text().splitlines())}
    assert list(rows) == ["lif", "psu"]
    for row in rows.values():
        # The stand-in draws 35 W whatever runs; its thread may be late by as much as a window.
        assert 35 / 4 < float(row["power_w"]) < 35 * 4
        assert 35 / 4 < float(row["idle_w"]) < 35 * 4
        assert float(row["gross_j_per_call"]) == pytest.approx(
            float(row["power_w"]) * float(row["median_s"]), rel=1e-6
        )
        assert float(row["gross_j_per_sample"]) == float(row["gross_j_per_call"]) / 2
        assert (row["counters"], row["verified"]) == ("rapl:package-0 + rapl:package-0/dram", "True")
    assert "E_lif / E_neuron" in done.stdout
    assert f"record and energy.csv: {out}" in done.stdout
    shown = json.loads(here("show", out, "--json").stdout)
    assert [row["net_j_per_call"] for row in shown] == [float(row["net_j_per_call"]) for row in rows.values()]
    (block,) = [one for one in jsonl.read(out / jsonl.NAME) if isinstance(one, Energy)]
    assert [window.label for window in block.windows][::4] == [IDLE] * 2
    (psu,) = [window for window in block.windows if window.label == "psu"]
    assert float(rows["psu"]["gross_j_per_call"]) == pytest.approx(sum(psu.counts) * 1e-6 / psu.calls)
    assert here("export", out).stdout == (out / "energy.csv").read_text()
    assert energy(out, tmp_path / "host", "--resume").returncode == 0
    types = [one.__struct_config__.tag for one in jsonl.read(out / jsonl.NAME)]
    assert types == ["run", "energy", "end", "run", "end"]  # nothing was left to measure
    plotted = here("plot", out)
    assert (plotted.returncode, len(plotted.stderr.splitlines())) == (2, 1)


def test_the_columns_of_the_csv_are_a_contract():
    from psubench.experiments.energy.rows import EnergyRow
    from psubench.render import export

    contract = (
        "kind,neuron,implementation,model,data,T,batch,size,device,dtype,phase,mode,threads,status,verified,"
        "reference,gross_j_per_call,net_j_per_call,gross_j_per_sample,net_j_per_sample,gross_j_per_step,"
        "net_j_per_step,power_w,idle_w,median_s,ratio,ratio_low,ratio_high,noise_floor,windows,window_s,"
        "processes,counters,resolution,message,run_id"
    )
    text = export.to_csv(EnergyRow, [])
    assert text.splitlines()[0] == contract
    assert "pj" not in contract


def test_no_counter_is_one_line_and_no_folder(tmp_path, energy):
    done = energy(tmp_path / "run", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: cpu has no energy counter: there is no ")
    assert "; measure energy on the machine itself" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_plan_needs_no_counter(tmp_path, energy):
    done = energy(tmp_path / "run", tmp_path, "--dry-run", "--processes", "2", "--windows", "3")
    assert done.returncode == 0
    assert "2 cases in 1 block, 2 processes each" in done.stdout
    assert "up to 3 s of samples" in done.stdout  # 2 x (3 x (3 x 1.1 + 1) + 1) x 0.1 s


def test_counters_that_stand_still_fail_their_cases_with_the_reason(tmp_path, counters, energy):
    out = tmp_path / "run"
    done = energy(out, tmp_path / "host")  # nobody feeds them
    assert done.returncode == 4
    rows = list(csv.DictReader((out / "energy.csv").read_text().splitlines()))
    assert {(row["status"], row["gross_j_per_call"], row["power_w"]) for row in rows} == {("failed", "", "")}
    assert all("package-0 is stuck at" in row["message"] for row in rows)
    assert "is stuck at" in done.stdout


def test_runs_of_two_kinds_share_no_table(tmp_path):
    with records_recorder.Recorder(tmp_path / jsonl.NAME) as recorder:
        for one in typed([energy_records.header(), energy_records.energy_record(0, *energy_records.FIRST)]):
            recorder.append(one)
    assert "E_lif / E_neuron" in here("show", tmp_path).stdout
    both = here("show", tmp_path, EXAMPLE).stdout
    assert both.index("E_lif / E_neuron") < both.index("t_lif / t_neuron")
    done = here("export", tmp_path, EXAMPLE)
    assert (done.returncode, done.stdout) == (2, "")
    assert "these are runs of energy and of speed; give runs of one kind" in done.stderr


def test_one_layer_has_one_T_and_a_network_its_own(tmp_path):
    for model, T in (("neuron", "T=32"), ("shd", "T=15")):
        done = here("energy", "--model", model, "--phase", "infer", "--device", "cpu", "--dry-run")
        assert done.stdout.count("infer T=") == done.stdout.count(f"infer {T} ") == 1


@pytest.mark.parametrize("command", ["energy", "doctor"])
def test_help_has_an_example(command):
    done = here(command, "--help")
    assert done.returncode == 0
    assert f"Example: psubench {command} --" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--window", "61"], "61"),
        (["--windows", "0"], "windows"),
        (["--device", "scripted"], "scripted has no energy counter: the fake clock uses no energy"),
        (["--neurons", "lfi"], 'did you mean "lif"?'),
    ],
)
def test_a_usage_error_is_one_line(tmp_path, energy, options, complaint):
    done = energy(tmp_path / "run", tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
