"""Fused neurons where the eager ones give no trouble: switches, odd sizes, layouts, threads, memory."""

import subprocess
import sys
from itertools import product

import pytest
import torch
from support.command_line import LONGEST_SECONDS
from support.neuron_pairs import FUSED, gradients, noise, pair

from psubench.errors import UnsupportedError
from psubench.neurons import build, cpp_build, fused_learned, parse

pytestmark = pytest.mark.usefixtures("two_blocks")


@pytest.fixture
def two_blocks(monkeypatch):
    """Short products in several blocks of rows, as long ones are."""
    monkeypatch.setattr(fused_learned, "ROWS", 16)
    monkeypatch.setattr(fused_learned, "WEIGHT_ROWS", 32)


PRODUCTS = ("psn", "masked-psn", "ipsu", "rpsu")
"""Neurons with a learned product; the others are passes over time alone."""
SWITCHES = [
    f"(reset={reset},detach_reset={detach}{leak})"
    for reset, detach, leak in product(
        ("soft", "hard"), ("true", "false"), (",decay_input=true,tau=3", ",decay_input=false")
    )
]


def eager(text):
    return parse(text.replace("@fused", ""))


@pytest.mark.parametrize("text", [f"{kind}@fused{s}" for kind in ("lif", "plif") for s in SWITCHES] + FUSED)
def test_gradients_equal_the_eager_form_in_float32(text):
    """More steps than a chunk and more neurons than a block, neither a multiple."""
    T = 41
    module = pair(text, T, torch.float32)[0]
    twin = build(eager(text), T)
    twin.load_state_dict(module.state_dict())
    x, cotangent = noise(T, 3, 211, dtype=torch.float32), noise(T, 3, 211, dtype=torch.float32)
    agree = (module(x) == twin(x)).all(0)  # a tie that fell otherwise changes what follows in its trace
    assert agree.double().mean() > 0.99
    cotangent = cotangent * agree
    got, due = gradients(module, x, cotangent)[1], gradients(twin, x, cotangent)[1]
    assert got.keys() == due.keys()
    for name, gradient in due.items():
        scale = gradient.abs().max()
        torch.testing.assert_close(got[name] / scale, gradient / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("T", [1, 15, 16, 17, 32, 33, 200])
@pytest.mark.parametrize("text", ["lif@fused(reset=hard,detach_reset=false)", "plif@fused", "psu@fused",
                                  "sliding-psn@fused(k=20)", "rpsu@fused", "ipsu@fused"])  # fmt: skip
def test_lengths_around_a_chunk(text, T):
    module, reference = pair(text, T)
    x, cotangent = noise(T, 7), noise(T, 7)
    spikes, got = gradients(module, x, cotangent)
    expected, due = gradients(reference, x, cotangent)
    assert torch.equal(spikes, expected)
    for name, gradient in due.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("text", FUSED)
def test_no_neurons_at_all(text):
    module = build(parse(text), 41)
    for shape in ((41, 0), (41, 3, 0), (41, 0, 5)):
        x = torch.zeros(shape, requires_grad=True)
        spikes = module(x)
        spikes.sum().backward()
        assert spikes.shape == x.grad.shape == shape
    assert all(not p.grad.any() for p in module.parameters())


def transposed(x):
    return x.transpose(0, 1).contiguous().transpose(0, 1)


def sliced(x):
    wide = x.new_zeros(2 * x.shape[0], *x.shape[1:-1], x.shape[-1] + 3)
    wide[::2, ..., 3:] = x
    return wide[::2, ..., 3:]


def time_last(x):
    return x.movedim(0, -1).contiguous().movedim(-1, 0)


@pytest.mark.parametrize("layout", [transposed, sliced, time_last])
@pytest.mark.parametrize("text", FUSED)
def test_layouts(text, layout):
    module = pair(text, 41, torch.float32)[0]
    x, cotangent = noise(41, 3, 50, dtype=torch.float32), noise(41, 3, 50, dtype=torch.float32)
    spikes, due = gradients(module, x, cotangent)
    other = layout(x)
    assert torch.equal(other, x)
    assert not other.is_contiguous()
    got = torch.autograd.grad(module(other.requires_grad_()), other, layout(cotangent))[0]
    assert torch.equal(module(other.detach()), spikes)
    # BLAS chooses a kernel by the layout, and each adds up in another order: on an AMD processor 3e-6 apart.
    rounding = 1e-5 if text.startswith(PRODUCTS) else 1e-6
    torch.testing.assert_close(got, due["x"], rtol=rounding, atol=rounding)


def test_a_cotangent_without_memory_of_its_own():
    x = noise(41, 3, 50, dtype=torch.float32).requires_grad_()
    due = torch.autograd.grad(build(parse("psu@fused"), 41)(x), x, torch.ones_like(x))[0]
    assert torch.equal(torch.autograd.grad(build(parse("psu@fused"), 41)(x).sum(), x)[0], due)


@pytest.fixture
def threads():
    """Sets the number of threads; afterwards it is as before."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "text", ["lif@fused", "plif@fused", "psu@fused", "rpsu@fused", "sliding-psn@fused", "masked-psn@fused"]
)
def test_threads_change_no_spike(text, threads):
    found = []
    for count in (1, 2):
        threads(count)
        module = pair(text, 41, torch.float32)[0]  # which sets the seed
        x = noise(41, 2500, dtype=torch.float32)
        found.append(gradients(module, x, x))
    (spikes, one), (same, two) = found
    assert torch.equal(spikes, same)
    sums = [[float(g.double().square().sum()) for g in each.values()] for each in (one, two)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)


def test_large_inputs_stay_finite():
    x = torch.tensor([[3e4, -3e4, 90.0, -90.0, 0.0]] * 3)
    module, reference = pair("psu@fused", 3, torch.float32)
    got, due = gradients(module, x, torch.ones_like(x)), gradients(reference, x.double(), x.double() * 0 + 1)
    assert torch.equal(got[0].double(), due[0])
    torch.testing.assert_close(got[1]["x"].double(), due[1]["x"], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("learn", [False, True])
def test_operators_are_what_torch_expects(learn, dtype):
    ops = cpp_build.ops()

    def given(*shape):
        return (torch.randn(shape) + 0.5).to(dtype).requires_grad_(learn)

    rate, lif, psu = torch.tensor(0.4, requires_grad=learn), (1.0, 1.0, 2.0), (0.5, 0.5, 0.5, 1.0, 1.0, 2.0)
    calls = [
        (ops.serial, (given(20, 3, 70), None, None, "lif-soft", (*lif, 1.0, 0.5))),
        (ops.serial, (given(20, 3, 70), None, rate, "lif-hard", (*lif, 0.0))),
        (ops.serial, (given(20, 3, 70), None, None, "psu", psu)),
        (ops.serial, (given(20, 9), given(20, 9), None, "rpsu", psu)),
        (ops.band, (given(20, 3, 70), given(1, 3), given(), 2.0)),
        (ops.band, (given(20, 9), given(20, 3), given(20, 1), 2.0)),
    ]
    for op, arguments in calls:
        torch.library.opcheck(op.default, arguments)


def test_their_backward_operators_too():
    ops, x, rate = cpp_build.ops(), torch.randn(20, 9), torch.tensor(0.4)
    lif, psu = ("lif-soft", (1.0, 1.0, 2.0, 1.0)), (0.5, 0.5, 0.5, 1.0, 1.0, 2.0)
    calls = [(ops.band_backward, (x, x, torch.randn(20, 3), torch.randn(20, 1), 2.0))]
    for q, learned, neuron in ((None, rate, lif), (x, None, ("rpsu", psu)), (None, None, ("psu", psu))):
        states = ops.serial_train(x, q, learned, *neuron)[1]
        calls.append((ops.serial_train, (x, q, learned, *neuron)))
        calls.append((ops.serial_backward, (x, x, q, learned, states, *neuron)))
    for op, arguments in calls:
        torch.library.opcheck(op.default, arguments)


def test_wrong_arguments_are_refused():
    ops, x = cpp_build.ops(), torch.randn(20, 9)
    with pytest.raises(RuntimeError, match="psu takes 1 inputs"):
        ops.serial(x, x, None, "psu", (0.5, 0.5, 0.5, 1.0, 1.0, 2.0))
    with pytest.raises(RuntimeError, match=r"weights are \[1 or T, k\]"):
        ops.band(x, torch.randn(19, 3), torch.randn(20), 2.0)
    with pytest.raises(UnsupportedError, match=r"no kernel for torch\.float16"):
        build(parse("lif@fused"), 20)(x.half())


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("text", ["plif@fused", "rpsu@fused", "masked-psn@fused"])
def test_thousands_of_calls_leak_nothing(text, threads):
    module = build(parse(text), 20)
    x = torch.randn(20, 2, 16, requires_grad=True)
    leaves = [x, *module.parameters()]

    def calls(number):
        for _ in range(number):
            torch.autograd.grad(module(x), leaves, x)

    threads(1)
    calls(500)
    before = resident_bytes()
    calls(3000)
    assert resident_bytes() - before < 2 << 20  # 3,000 leaked tensors of this size would be 7.7 MB


def test_a_fork_computes_as_its_parent():
    """As psubench's workers do: the host may have loaded the operators before it forks."""
    code = f"""
import os, sys
sys.path[:0] = {sys.path!r}
import torch
from psubench.neurons import build, parse
torch.set_num_threads(1)
x = torch.randn(32, 3000) + 1
due = build(parse("psu@fused"), 32)(x)
pid = os.fork()
if pid == 0:
    os._exit(0 if torch.equal(build(parse("psu@fused"), 32)(x), due) else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=LONGEST_SECONDS).returncode == 0
