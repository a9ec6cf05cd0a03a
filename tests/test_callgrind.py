"""Instructions of a call: what Callgrind has written, by hand, and a real count of more work."""

import sys
import time
from pathlib import Path

import pytest
from support.places import ROOT

from psubench.compare.callgrind import Instructions, instructions, self_costs
from psubench.compare.git import instructions as counting
from psubench.compare.git.side import OutOfTimeError, Side
from psubench.measure.job import Job
from psubench.neurons import parse
from psubench.runs.case import Case

DUMP = """# callgrind format
version: 1
pid: 7
cmd:  python host.py

positions: line
events: Ir sysCount sysTime
summary: 1160 2 40


ob=(1) libpython.so
fl=(1) ceval.c
fn=(1) _PyEval_EvalFrameDefault
0 600
cob=(2) libc.so
cfi=(2) malloc.c
cfn=(2) malloc
calls=3 0
0 160
0 100 1 30

ob=(2)
fl=(2)
fn=(2)
0 120
cfn=(3) _int_malloc
calls=1 0
* 40

fn=(3)
+3 40

fn=(1)
0 300 1 10
"""


def test_a_function_has_its_own_instructions_without_those_of_what_it_calls():
    assert self_costs(DUMP.splitlines()) == {
        "_PyEval_EvalFrameDefault": (1000, 2),
        "malloc": (120, 0),
        "_int_malloc": (40, 0),
    }


def test_the_core_leaves_out_what_depends_on_addresses():
    assert instructions(DUMP.splitlines()) == Instructions(core=1000, every=1160, system_calls=2)


def test_two_counts_of_base_must_agree_and_enough_must_be_left():
    one = Instructions(10_000, 12_000, 0)
    assert counting._told(one, one, one._replace(core=11_000)) == (one, one._replace(core=11_000))
    assert "differ by 0.2 %" in counting._told(one, one._replace(core=10_020), one)
    assert "only 60 %" in counting._told(one, one, one._replace(core=7_200))
    assert counting._told(one, "it raised", one) == "it raised"


def test_a_machine_without_valgrind_counts_nothing_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    side = Side("base", Path(sys.executable), tmp_path)
    found, missing = counting.count(side, side, job("lif"), tmp_path, time.monotonic() + 60)
    assert found == {}
    assert "apt install valgrind" in missing["lif"]
    monkeypatch.setattr(counting.platform, "machine", lambda: "aarch64")
    assert "Linux on aarch64" in counting.lacking()[0]


def job(*neurons, T=4):
    """Inference of small layers, each under its name."""
    refs = [parse(neuron) for neuron in neurons]
    cases = [
        Case(
            kind="speed", neuron=ref.name, implementation=ref.implementation, model="neuron", data="normal",
            T=T, batch=1, size=8, device="cpu", dtype="float32", phase="infer", mode="layer", threads=1,
        ).block.canonical()
        for ref in refs
    ]  # fmt: skip
    return Job(
        probe="", case=cases[0], entries=[(ref.kind, ref.kind, ref.text, "layer") for ref in refs],
        reference=None, process=0, seed=0, precision=0.0, max_seconds=0.0, max_memory=0, cases=cases,
    )  # fmt: skip


NEURON = """import torch
class Mine(torch.nn.Module):
    def forward(self, x):
        v, spikes = torch.zeros_like(x[0]), []
        for x_t in x.unbind(0):
            v = torch.lerp(v, x_t, 0.5)
            spikes.append((v >= 1).to(x.dtype))
        return torch.stack(spikes)
"""
BROKEN = """import torch
class Mine(torch.nn.Module):
    def forward(self, x):
        raise ValueError("no")
"""


@pytest.mark.slow
@pytest.mark.skipif(counting.lacking() is not None, reason=str(counting.lacking()))
def test_an_item_per_step_is_counted_whatever_the_machine_does(tmp_path, monkeypatch):
    for name, text in (
        ("base", NEURON),
        ("new", NEURON.replace("= torch.lerp", "= v if v.sum().item() > 9 else torch.lerp")),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.py").write_text(text)
        (tmp_path / name / "broken.py").write_text(BROKEN)
    base, new = (
        Side(name, Path(sys.executable), tmp_path / name, {"PYTHONPATH": str(ROOT)})
        for name in ("base", "new")
    )
    monkeypatch.chdir(tmp_path / "base")
    asked = job("broken.py:Mine", "mine.py:Mine")
    found, missing = counting.count(base, new, asked, tmp_path, time.monotonic() + 600)
    assert missing == {"broken.py:Mine": "ValueError: no"}
    before, after = found["mine.py:Mine"]
    assert 1.03 < after.core / before.core < 2
    assert list(tmp_path.glob("valgrind-*")) == []
    with pytest.raises(OutOfTimeError):
        counting.count(base, new, asked, tmp_path, time.monotonic())
