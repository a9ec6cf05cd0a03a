"""The gate lets right neurons through and nobody else: every kind of wrong is caught and named."""

from pathlib import Path

import pytest
import torch

from psubench import neurons
from psubench.errors import WrongError
from psubench.neurons.equality import Gate

pytestmark = pytest.mark.slow

WRONG = Path(__file__).parent / "wrong_neurons.py"
T = 16


def gate(text, dtype=torch.float32, gradients=True, T=T):
    ref = neurons.parse(text)
    torch.manual_seed(0)
    module = neurons.build(ref, T, (32,)).to(dtype)
    reference = neurons.build_reference(ref, T)
    if reference is not None:
        reference.to(torch.float64)
        reference.load_state_dict({n: v.double() for n, v in module.state_dict().items()})
    return Gate(module, reference, neurons.causal(ref, training=True), gradients, seed=0, mark=lambda: None)


def current(dtype=torch.float32, T=T):
    return (torch.randn(T, 8, 32, generator=torch.Generator().manual_seed(5)) + 1).to(dtype)


BUILT_IN = [
    *neurons.TABLE,
    "psu@scan",
    *(f"{name}@fused" for name, spec in neurons.TABLE.items() if "fused" in spec.implementations),
    "lif@fused(reset=hard,detach_reset=false)",
    "lif(reset=hard)",
    "lif(decay_input=false,detach_reset=false)",
    "plif(tau=4)",
    "ipsu(estimate=input,init=leak)",
    "rpsu(released=true)",
    "psu(tau=5,threshold=0.5)",
    "masked-psn(k=4,lam=0.5)",
    "spsn(learn_tau=true)",
    "lif@decoupled",
    "fpt(hard=true)",
    "prf(threshold=0.05)",
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("text", BUILT_IN)
def test_every_built_in_neuron_passes(text, dtype):
    x = current(dtype)
    checked = gate(text, dtype)
    checked.check(x)
    spikes = checked.spikes(x)
    assert spikes.shape == x.shape
    five = set(range(5))
    outputs = {"spikes": {0, 1}, "counts": five, "ternary": {-1, 0, 1}, "levels": five}
    kind = neurons.output(neurons.parse(text))
    assert kind == "analog" or set(spikes.unique().tolist()) <= outputs[kind]


@pytest.mark.parametrize("steps", [1, 2, 128])
@pytest.mark.parametrize("text", ["lif", "psn", "psu", "psu@scan", "psu@fused", "ipsu", "rpsu", "rpsu@fused"])
def test_short_and_long(text, steps):
    gate(text, T=steps).check(current(T=steps))


@pytest.mark.parametrize("text", ["RightLIF", "Spin(ms=1)"])
def test_right_plug_ins_pass(text):
    gate(f"{WRONG}:{text}").check(current())


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("WrongSpikes", r"\d+ of \d+ spikes on .* differ from the reference, first at \[\d+, \d+, \d+\]"),
        ("WrongTie", "spikes on .* differ"),
        ("WrongGradient", "gradient of the input on its input is off by"),
        ("HalfPrecision", "spikes on .* differ"),
        ("Stateful", "state is kept between calls"),
        ("NotANumber", "NaN"),
        ("FutureSpikes", "differ from the reference|declared causal"),
    ],
)
def test_wrong_plug_ins_do_not_pass(name, complaint):
    with pytest.raises(WrongError, match=complaint):
        gate(f"{WRONG}:{name}").check(current())


def test_one_wrong_neuron_in_a_tiny_case_is_found_by_the_noise_input():
    tiny = torch.zeros(4, 1, 2)
    with pytest.raises(WrongError, match="on noise"):
        gate(f"{WRONG}:HalfPrecision", gradients=False, T=4).check(tiny)


class Peeks(torch.nn.Module):
    """Uses one step of the future; its reference does too, so that only the causality check can tell."""

    def forward(self, x):
        ahead = torch.cat([x[1:], x[-1:]])
        return (x + 0.05 * ahead >= 1).to(x.dtype) + 0 * x


def test_the_future_is_found_even_when_the_reference_uses_it_too():
    with pytest.raises(WrongError, match="declared causal, but its spikes at step"):
        Gate(Peeks(), Peeks(), True, gradients=False, seed=0, mark=lambda: None).check(current())
    Gate(Peeks(), Peeks(), False, gradients=False, seed=0, mark=lambda: None).check(current())


class Shaped(torch.nn.Module):
    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change((x >= 1).to(x.dtype))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: s[:-1], "shape"),
        (lambda s: s.double(), "dtype"),
        (lambda s: None, "NoneType"),
        (lambda s: (None, s), "NoneType"),
    ],
)
def test_a_wrong_kind_of_output_is_named(change, complaint):
    with pytest.raises(WrongError, match=complaint):
        Gate(Shaped(change), None, None, gradients=False, seed=0, mark=lambda: None).check(current())


def test_without_a_gradient_nothing_can_be_trained():
    with pytest.raises(WrongError, match="no gradient"):
        Gate(Shaped(lambda s: s.detach()), None, None, gradients=True, seed=0, mark=lambda: None).check(
            current()
        )


class OffAtTies(torch.nn.Module):
    """x >= 1 with the threshold moved by `by`."""

    def __init__(self, by):
        super().__init__()
        self.by = by

    def forward(self, x):
        return (x >= 1 + self.by).to(x.dtype)


def near_threshold():
    """One trace of 256 lies within float32 rounding of the threshold."""
    x = current()
    x[:, :1, :1] = 1 + 2e-7
    return x


def test_a_tie_within_rounding_is_excused():
    x = near_threshold()
    module = OffAtTies(5e-7)
    assert not torch.equal(module(x), OffAtTies(0)(x.double()).float())
    Gate(module, OffAtTies(0), True, gradients=False, seed=0, mark=lambda: None).check(x)


def test_beyond_rounding_it_is_not():
    x = near_threshold()
    x[:, :1, :1] = 1 + 5e-4
    with pytest.raises(WrongError, match="differ"):
        Gate(OffAtTies(1e-3), OffAtTies(0), True, gradients=False, seed=0, mark=lambda: None).check(x)


def test_where_too_many_ties_hide_the_answer_float64_gives_it():
    x = torch.full((4, 8, 32), 1 + 2e-7)
    doubt = Gate(OffAtTies(5e-7), OffAtTies(0), True, gradients=False, seed=0, mark=lambda: None).check(x)
    assert "100.0% of the traces on its input hang on ties, and in float64 1024 of 1024 spikes" in doubt


class OnlyFloat32(OffAtTies):
    def forward(self, x):
        if x.dtype != torch.float32:
            raise TypeError(f"no kernel for {x.dtype}")
        return super().forward(x)


def test_a_correct_neuron_on_a_grid_is_verified_in_float64():
    module, reference = neurons.build(neurons.parse("if"), T), neurons.build_reference(neurons.parse("if"), T)
    x = torch.randint(0, 5, (T, 8, 32), generator=torch.Generator().manual_seed(1)) * torch.tensor(0.1)
    assert not torch.equal(module(x), reference(x.double()).float())
    assert Gate(module, reference, True, gradients=False, seed=0, mark=lambda: None).check(x) is None


def test_a_neuron_on_ties_that_has_no_float64_is_unverified_and_not_wrong():
    x = torch.full((4, 8, 32), 1 + 2e-7)
    checked = Gate(OnlyFloat32(5e-7), OffAtTies(0), None, gradients=False, seed=0, mark=lambda: None)
    doubt = checked.check(x)
    assert "of the traces on its input hang on ties, and it does not run in float64 (TypeError" in doubt


class Remembers(OffAtTies):
    def forward(self, x):
        if getattr(self, "key", None) != x.data_ptr():
            self.key, self.kept, self.spikes = x.data_ptr(), x, super().forward(x)
        return self.spikes


def test_an_output_that_is_remembered_by_its_input_is_wrong():
    module = Remembers(0)
    x = 2 * torch.rand(4, 8, 32, generator=torch.Generator().manual_seed(3))
    with pytest.raises(WrongError, match="it caches outputs"):
        Gate(module, OffAtTies(0), None, gradients=False, seed=0, mark=lambda: None).check(x)
