"""The self-test measures what it says: the slowdown is exact, the rates have their intervals, it resumes."""

import os

import pytest
import torch
from support.command_line import here
from support.looks import plan
from support.places import ROOT

from psubench import neurons
from psubench.compare.git.leftovers import held
from psubench.compare.git.side import suite_text
from psubench.compare.selftest import slowdown
from psubench.compare.selftest.error_rates import half_found, rate, rates
from psubench.compare.selftest.selftest import Selftest, Settings, slowed_down
from psubench.compare.selftest.slowdown import Slowed
from psubench.errors import PsubenchError
from psubench.records import jsonl
from psubench.records.selftest import Judged, Suite

TABLE = {
    "neurons": "lif,psu", "data": "normal", "T": "4", "batch": "2", "size": "8", "phase": "infer",
}  # fmt: skip


def settings(**changes):
    made = {
        "tables": (TABLE,),
        "suite_settings": {"max_seconds": 0.05},
        "device": "scripted",
        "inject": 0.0,
        "neuron": "",
        "load": False,
        "budget": 1e6,
        "margin": None,
        "seed": 0,
    }
    return Settings(**{**made, **changes})


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    # Zero of n: the upper limit is 1 - 0.025 ** (1 / n). Clopper and Pearson's table has 5 of 10.
    [(0, 300, 0.0, 1 - 0.025 ** (1 / 300)), (13, 13, 0.025 ** (1 / 13), 1.0), (5, 10, 0.1871, 0.8129)],
)
def test_rates_have_exact_intervals(hits, trials, low, high):
    assert rate(hits, trials) == (hits, trials, pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert rate(0, 0) == (0, 0, None, None)


def case(label, verdict, change=0.0, high=0.02, n=6):
    return Judged(
        key=label, name=label, label=label, verdict=verdict, reason=None, change=change, low=None, high=high,
        new_processes=n, gated=True,
    )  # fmt: skip


def suite(*cases):
    return Suite(number=0, seconds=1.0, margin=0.03, exit_code=0, cases=list(cases))


def test_what_is_counted():
    wrapped = "Slowed(neuron=psu)"
    suites = [
        suite(case("lif", "same"), case("psn", "faster"), case(wrapped, "slower")),
        suite(case("lif", "slower"), case("psn", "unclear"), case(wrapped, "unclear")),
    ]
    found = {sentence: (r.hits, r.trials) for sentence, r in rates(suites, 0.05).items()}
    assert found == {
        "suites with a false alarm": (1, 2),
        "verdicts wrongly slower": (1, 4),
        "verdicts wrongly faster": (1, 4),
        "verdicts unclear": (1, 4),
        "suites that detect the slowdown": (1, 2),
        "verdicts that detect the slowdown": (1, 2),
    }
    equal = {sentence: r.hits for sentence, r in rates(suites, 0.0).items()}
    assert equal["verdicts wrongly slower"] == 2
    assert len(equal) == 4


def test_the_half_point_lies_beyond_the_margin_by_what_the_spread_demands():
    quiet, noisy = (half_found([suite(case("lif", "same", high=h))]) for h in (0.001, 0.02))
    assert 0.03 < quiet < 0.0315 < noisy < 0.06
    assert half_found([suite(case("lif", "failed", None, None))]) is None


class Clock:
    """A nanosecond passes per look, and `pass_ns` when told so."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        self.now += 1
        return self.now


def test_the_slowdown_works_a_share_of_the_whole_call_longer(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(slowdown.time, "perf_counter_ns", clock)
    monkeypatch.setenv("PSUBENCH_SLOWDOWN", "0.5")
    slow = Slowed(T=4, neuron="psu")

    class Costly(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            clock.now += 10_000
            return x * 2

        @staticmethod
        def backward(ctx, gradient):
            clock.now += 20_000
            return gradient * 2

    monkeypatch.setattr(type(slow.inner), "forward", lambda _, given: Costly.apply(given))
    x = torch.ones(4, 1, 1, requires_grad=True)
    y = slow(x)
    assert clock.now == pytest.approx(15_000, rel=0.01)
    clock.now += 4_000  # what autograd needs between forward and backward pass is the call's as well
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y))
    assert clock.now == pytest.approx(1.5 * 34_000, rel=0.01)
    clock.now += 2_000  # between two calls in a row: the second one's
    slow(x)
    assert clock.now == pytest.approx(1.5 * (34_000 + 12_000), rel=0.01)
    clock.now += 1_000_000  # others were measured meanwhile
    slow(x)
    assert clock.now == pytest.approx(1_000_000 + 1.5 * (34_000 + 12_000 + 10_000), rel=0.01)
    assert torch.equal(gradient, torch.full_like(x, 2))


def test_a_slowed_neuron_gives_the_same_spikes_and_gradients(monkeypatch):
    monkeypatch.delenv("PSUBENCH_SLOWDOWN", raising=False)
    torch.manual_seed(0)
    x = torch.randn(8, 3, 5, requires_grad=True)
    plain, wrapped = neurons.build(neurons.parse("psu"), 8), Slowed(T=8, neuron="psu")
    assert wrapped.share == 0.0
    outputs = [module(x) for module in (plain, wrapped)]
    assert torch.equal(*outputs)
    gradients = [torch.autograd.grad(y, x, torch.ones_like(y))[0] for y in outputs]
    assert torch.equal(*gradients)


def test_the_chosen_neuron_is_wrapped_on_both_sides_or_refused():
    assert slowed_down(settings()) == [TABLE]
    made = slowed_down(settings(inject=0.05, neuron="psu"))
    assert made == [{**TABLE, "neurons": "lif,psubench.compare.selftest.slowdown:Slowed(neuron=psu)"}]
    with pytest.raises(PsubenchError, match="rpsu"):
        slowed_down(settings(inject=0.05, neuron="rpsu"))


@pytest.mark.slow
def test_a_self_test_is_recorded_and_resumed(tmp_path, monkeypatch):
    plan(monkeypatch, (1,))
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # one process of background load
    said = []
    power = settings(inject=0.05, neuron="psu", load=True)
    assert Selftest(power, tmp_path, False, said.append).run(1, 1e6)[0].exit_code == 0
    with pytest.raises(PsubenchError, match="--resume"):
        Selftest(power, tmp_path, False, said.append).run(1, 1e6)
    with pytest.raises(PsubenchError, match="other options"):
        Selftest(settings(), tmp_path, True, said.append).run(1, 1e6)
    done = Selftest(power, tmp_path, True, said.append).run(2, 1e6)
    assert [suite.number for suite in done] == [0, 1]
    assert {case.label for case in done[1].cases} == {"lif", "Slowed(neuron=psu)"}
    assert [r.__struct_config__.tag for r in jsonl.read(tmp_path / jsonl.NAME)] == ["run", "suite", "suite"]
    assert said[-1].startswith("[2/2] ")
    assert_the_program_tells(tmp_path)


def assert_the_program_tells(folder):
    """The command line finds the same test complete, measures nothing and prints its rates."""
    (folder / "suite.toml").write_text(suite_text([TABLE], {"max_seconds": 0.05}))
    options = ["--suite", folder / "suite.toml", "--device", "scripted", "--load", "--budget", "1000000"]
    done = here("selftest", "power", "--suites", "2", "--resume", "--out", folder, *options, check=0)
    assert "suites with a false alarm: 0 of 2 [95 %: 0.0 to 84.2 %]" in done.stdout
    assert "verdicts that detect the slowdown: 0 of 2" in done.stdout


@pytest.mark.parametrize("command", ["show", "plot", "export", "report"])
def test_the_record_of_a_self_test_is_no_run(command):
    done = here(command, "reports/selftest-power", cwd=ROOT)
    assert (done.returncode, done.stdout) == (2, "")
    assert "planned no case" in done.stderr or "is the record of a self-test" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_second_self_test_in_the_same_folder_leaves_the_first_alone(tmp_path):
    """The first is at work on its comparison: a second one that resumes must not take it for a leftover."""
    (tmp_path / "suite-000").mkdir()
    with held(tmp_path), pytest.raises(PsubenchError, match="at work in another process"):
        Selftest(settings(), tmp_path, True, print).run(1, 1e6)
    assert (tmp_path / "suite-000").is_dir()
    assert not (tmp_path / jsonl.NAME).exists()
