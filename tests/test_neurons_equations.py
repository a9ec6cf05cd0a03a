"""What the equations imply: hand-worked traces, identities between neurons, published properties."""

import math

import pytest
import torch

from psubench.errors import NeuronError
from psubench.neurons import TABLE, build, parse
from psubench.neurons import lif_matrices as matrices
from psubench.neurons.psn import sliding
from psubench.neurons.psu import psu, psu_scan
from psubench.neurons.surrogate import heaviside


def run(text, x):
    """Spikes of a freshly built neuron without gradient."""
    with torch.no_grad():
        return build(parse(text), len(x)).to(x.dtype)(x)


def trace(text, *currents):
    """Spikes of one neuron for one current per step, as a string of 0 and 1."""
    x = torch.tensor(currents, dtype=torch.float64).reshape(-1, 1)
    with_gradient = build(parse(text), len(x)).double()(x.requires_grad_())
    assert torch.equal(with_gradient.detach(), run(text, x.detach()))
    return "".join(str(int(spike)) for spike in with_gradient.flatten())


@pytest.mark.parametrize(
    ("text", "currents", "spikes"),
    [
        ("if", (0.5, 0.5, 0.5, 0.75, 0.5), "01010"),  # h 0.5 1 | 0.5 1.25 | 0.75
        ("if(reset=hard)", (0.5, 0.5, 0.5, 0.75, 0.75), "01010"),  # h 0.5 1 | 0.5 1.25 | 0.75
        ("if", (0.5, 1.25, 0.25), "011"),  # h 0.5 1.75, kept 0.75, 1: a tie fires
        ("if(reset=hard)", (0.5, 1.25, 0.25), "010"),
        ("lif", (2, 1.75, 1.25, 3, 0), "10110"),  # h 1 | 0.875 1.0625 | 1.53125 | 0.265625
        ("lif(reset=hard)", (2, 1.75, 1.25, 2, 0), "10110"),  # h 1 | 0.875 1.0625 | 1 | 0
        ("lif(decay_input=false)", (0.5, 0.75, 1.0), "011"),  # h 0.5 1.0 | 1.0
        ("lif(tau=4)", (4, 1, 4), "101"),  # h 1 | 0.25 1.1875
        ("lif-noreset", (2, 1, 0), "110"),  # V 1 1 0.5: ties fire
    ],
)
def test_traces_worked_by_hand(text, currents, spikes):
    assert trace(text, *currents) == spikes


def test_surrogate_is_the_slope_of_its_primitive():
    v = torch.linspace(-3, 5, 4001, dtype=torch.float64, requires_grad=True)
    for threshold, alpha in ((1.0, 2.0), (0.3, 0.5), (-2.0, 5.0)):
        spikes = heaviside(v, threshold, alpha)
        assert torch.equal(spikes.detach(), (v >= threshold).double())
        (slope,) = torch.autograd.grad(spikes.sum(), v)
        z = v.detach() - threshold
        primitive = torch.atan(math.pi / 2 * alpha * z) / math.pi + 0.5
        (numeric,) = torch.gradient(primitive, spacing=(v.detach(),))
        torch.testing.assert_close(slope[1:-1], numeric[1:-1], rtol=0, atol=5e-4)
        torch.testing.assert_close(slope, alpha / 2 / (1 + (math.pi / 2 * alpha * z) ** 2))


@pytest.mark.parametrize("released", [False, True])
@pytest.mark.parametrize(("tau", "threshold"), [(2.0, 1.0), (3.0, 0.5), (1.25, 2.0)])
@pytest.mark.parametrize("T", [1, 2, 17])
def test_psu_by_matrices_by_scan_and_by_two_recurrences(tau, threshold, released, T):
    x = torch.randn(T, 40, dtype=torch.float64) * 2 + 1
    keep = matrices.decay(tau, released)
    key = (T, tau, released, x.dtype, x.device)
    potential = psu(x, matrices.leak(*key), matrices.reset(*key), threshold)
    u, r, expected = torch.zeros(40, dtype=torch.float64), torch.zeros(40, dtype=torch.float64), []
    for t in range(T):
        if t > 0:
            r = keep * (r + threshold * torch.sigmoid(u))
        u = keep * u + x[t] / tau
        expected.append(u - r)
    torch.testing.assert_close(potential, torch.stack(expected), rtol=1e-12, atol=1e-12)
    for grad in (False, True):
        scanned = psu_scan(x.requires_grad_(grad), 1 / tau, keep, threshold)
        torch.testing.assert_close(scanned, potential, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("text", ["(tau=2)", "(tau=3,threshold=0.6)", "(tau=3,released=true)"])
def test_learned_psus_start_as_psu_with_init_leak(text):
    x = torch.randn(20, 8, 50, dtype=torch.float64) + 1
    due = run(f"psu{text}", x)
    inside = text[:-1] + ",init=leak)"
    assert 0 < due.mean() < 1
    assert torch.equal(run(f"rpsu{inside}", x), due)
    if "released" not in text:
        assert torch.equal(run(f"ipsu{inside}", x), due)


def test_released_forms_equal_ours_at_tau_2_but_for_the_threshold():
    x = torch.randn(12, 400, dtype=torch.float64) + 1
    assert torch.equal(run("psu(released=true)", x), run("psu", x))
    assert not torch.equal(run("psu(released=true,tau=3)", x), run("psu(tau=3)", x))
    ours, released = (build(parse(f"ipsu(estimate=input{more})"), 12) for more in ("", ",released=true"))
    released.load_state_dict(ours.state_dict())
    assert torch.equal(released(x), ours(x))


@pytest.mark.parametrize(("tau", "threshold"), [(2.0, 1.0), (4.0, 0.5)])
def test_lif_unrolled_is_Ax_minus_Bs(tau, threshold):
    x = torch.randn(25, 60, dtype=torch.float64) + 1
    key = (25, tau, False, x.dtype, x.device)
    spikes = run(f"lif(tau={tau},threshold={threshold})", x)
    h = matrices.leak(*key) @ x - threshold * matrices.reset(*key) @ spikes
    assert spikes.sum() > 100
    assert torch.equal((h >= threshold).double(), spikes)
    v = torch.zeros(60, dtype=torch.float64)
    for t in range(25):
        v = v + (x[t] - v) / tau
        torch.testing.assert_close(h[t], v, rtol=1e-12, atol=1e-12)
        v = v - threshold * spikes[t]


@pytest.mark.parametrize("threshold", [1.0, 0.5])
def test_psu_without_input_sinks_to_minus_half_the_threshold(threshold):
    x = torch.zeros(60, 1, dtype=torch.float64)
    potential = psu_scan(x, 0.5, 0.5, threshold)
    assert potential[0] == 0
    assert float(potential[-1]) == pytest.approx(-threshold / 2, abs=1e-12)


@pytest.mark.parametrize(
    ("threshold", "mean", "rates"),
    [
        (1.0, 0.0, (0.032, 0.041, 0.003)),
        (1.0, 1.0, (0.290, 0.490, 0.098)),
        (0.5, 0.0, (0.148, 0.192, 0.091)),
        (0.5, 1.0, (0.630, 0.798, 0.597)),
    ],
)
def test_firing_rates(threshold, mean, rates):
    x = torch.randn(64, 4000, generator=torch.Generator().manual_seed(5)) + mean
    for kind, rate in zip(("lif", "lif-noreset", "psu"), rates, strict=True):
        assert float(run(f"{kind}(threshold={threshold})", x).mean()) == pytest.approx(rate, abs=0.01)


def test_matrices_entry_by_entry():
    A = matrices.leak(4, 4.0, False, torch.float64, torch.device("cpu"))
    B = matrices.reset(4, 4.0, False, torch.float64, torch.device("cpu"))
    assert A[3].tolist() == pytest.approx([0.75**3 / 4, 0.75**2 / 4, 0.75 / 4, 0.25])
    assert B[3].tolist() == pytest.approx([0.75**3, 0.75**2, 0.75, 0])
    assert A[1, 2:].tolist() == B[1, 1:2].tolist() * 2 == [0, 0]
    assert A.data_ptr() == matrices.leak(4, 4.0, False, torch.float64, torch.device("cpu")).data_ptr()


def test_initial_values():
    assert build(parse("sliding-psn(k=4)"), 9).weight.tolist() == [0.125, 0.25, 0.5, 1.0]
    assert float(build(parse("sliding-psn(threshold=0.5)"), 9).bias.detach()) == -0.5
    assert build(parse("psn"), 3).bias.tolist() == [[-1.0]] * 3
    assert float(torch.sigmoid(build(parse("plif(tau=5)"), 3).w.detach())) == pytest.approx(0.2)
    wide = build(parse("rpsu"), 400)
    assert float(wide.weight.detach().std()) == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert not wide.bias.any()
    assert float(build(parse("psn"), 400).weight.detach().abs().max()) == pytest.approx(1 / 20, rel=0.01)


def test_sliding_matrix():
    w = torch.tensor([1.0, 2.0, 3.0])
    assert sliding(w, 4).tolist() == [[3, 0, 0, 0], [2, 3, 0, 0], [1, 2, 3, 0], [0, 1, 2, 3]]
    assert sliding(w, 2).tolist() == [[3, 0], [2, 3]]
    assert sliding(w, 1).tolist() == [[3]]


def test_lambda_is_raised_while_training():
    module = build(parse("masked-psn(lam=0,k=2)"), 6)
    x = torch.randn(6, 200)
    plain = build(parse("psn"), 6)
    plain.load_state_dict(module.state_dict())
    assert torch.equal(module(x), plain(x))
    module.lambda_ = 1.0
    band = torch.tensor([[float(0 <= t - i < 2) for i in range(6)] for t in range(6)])
    assert torch.equal(module.mixing(), module.weight * band)
    module.lambda_ = 0.25
    torch.testing.assert_close(module.mixing(), module.weight * (0.25 * band + 0.75))
    with pytest.raises(NeuronError, match=r"lam = 1.5"):
        module.lambda_ = 1.5


def test_stochastic_neuron_draws_its_probability():
    x = torch.full((3, 20000), 0.8)
    p = torch.sigmoid(torch.tensor([0.4, 0.6, 0.7]))
    torch.testing.assert_close(run("spsn", x).mean(1), p, rtol=0, atol=0.015)
    assert not torch.equal(run("spsn", x), run("spsn", x))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")  # torch's own, while it compiles
@pytest.mark.parametrize("text", [*TABLE, "psu@scan", "lif(detach_reset=false,reset=hard)"])
def test_compiles_in_one_graph(text):
    torch.compiler.reset()
    module = build(parse(text), 5)
    compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
    x = torch.randn(5, 3, 4) + 1
    results = []
    for call in (module, compiled):
        leaf = x.clone().requires_grad_()
        torch.manual_seed(6)
        spikes = call(leaf)
        (gradient,) = torch.autograd.grad(spikes, leaf, torch.ones_like(spikes))
        results.append((spikes.detach(), gradient))
    assert torch.equal(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1])


@pytest.mark.filterwarnings("ignore:.*should not be instantiated")
def test_neurons_of_different_tau_compile_together():
    torch.compiler.reset()
    network = torch.nn.Sequential(*(build(parse(f"psu(tau={tau},threshold=0.2)"), 7) for tau in (2, 3, 2)))
    x = torch.randn(7, 50) + 2
    compiled = torch.compile(network, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        cold = compiled(x)  # builds the matrices in its graph: no eager call has kept them
        assert torch.equal(cold, network(x))
        assert torch.equal(compiled(x), cold)
        assert 0 < cold.mean() < 1
