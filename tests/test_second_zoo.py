"""The neurons that the field compares with: the published vector, float64 references, gradients."""

import copy
import math
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.second_zoo import EVERY, SERIAL, agree, gradients, noise, pair

from psubench.errors import NeuronError, UnsupportedError
from psubench.neurons import build, build_reference, causal, has_step, parse, reference_stateful
from psubench.neurons.table_second import SPECS


def vector():
    """The published input: a linear congruential generator, T = 16, N = 64."""
    state, values = 2024, []
    for _ in range(16 * 64):
        state = (1664525 * state + 1013904223) % 2**32
        values.append(((state >> 16) % 65 - 24) / 16)
    return torch.tensor(values, dtype=torch.float64).view(16, 64)


def test_the_vector_is_the_published_one():
    assert float(vector().sum()) == 483.25
    assert vector()[0, :4].tolist() == [1.0625, -1.125, 0.875, 1.9375]


@pytest.mark.parametrize(
    ("text", "total", "nonzero"),
    [
        ("lif", 170, 170), ("lif(reset=hard)", 161, 161), ("lif(decay_input=false)", 389, 389),
        ("lif@decoupled", 170, 170), ("lif@decoupled(decay_input=false)", 389, 389), ("clif", 342, 342),
        ("ilif", 730, 479), ("ternary-lif", 229, 505), ("cuba-lif", 564, 564), ("tc-lif", 485, 485),
    ],
)  # fmt: skip
def test_the_published_sums_of_outputs(text, total, nonzero):
    x = vector()
    for module in (build(parse(text), 16).double(), build_reference(parse(text), 16).double()):
        spikes = module(x).detach()
        assert (float(spikes.sum()), int((spikes != 0).sum())) == (total, nonzero)


@pytest.mark.parametrize(
    ("text", "scale", "values", "total"),
    [
        ("adlif", 4, {"al": math.exp(-1 / 5), "bw": math.exp(-1 / 30), "a": 0.0, "b": 1.0}, 190),
        ("prf", 16, {"log_dt": math.log(0.1), "log_theta": math.log(math.pi)}, 544),
    ],
)
def test_the_published_sums_with_given_parameters(text, scale, values, total):
    x = scale * vector()
    module, reference = pair(text, x)
    with torch.no_grad():
        for name, value in values.items():
            module.get_parameter(name).fill_(value)
    reference.load_state_dict(module.state_dict())
    assert float(module(x).detach().sum()) == float(reference(x).detach().sum()) == total


def test_hard_passes_of_the_fixed_point_against_lif():
    x = vector()
    lif = build(parse("lif(decay_input=false)"), 16)(x)
    wrong = [
        int((build(parse(f"fpt(decay_input=false,hard=true,K={K})"), 16)(x) != lif).sum()) for K in range(7)
    ]
    assert wrong == [93, 22, 9, 2, 1, 0, 0]
    soft = build(parse("fpt(decay_input=false)"), 16)(x)
    assert int((soft != lif).sum()) == 13


@pytest.mark.parametrize("decay_input", ["true", "false"])
def test_the_hard_fixed_point_is_lif_after_as_many_passes_as_steps(decay_input):
    x = noise(20, 200)
    lif = build(parse(f"lif(decay_input={decay_input},tau=3)"), 20)(x)
    assert torch.equal(build(parse(f"fpt(decay_input={decay_input},tau=3,hard=true,K=19)"), 20)(x), lif)


@pytest.mark.parametrize(
    ("text", "training"),
    [(text, True) for text in EVERY] + [(text, False) for text in EVERY if text.startswith("mulfree")],
)
def test_float64_equals_the_reference(text, training):
    spikes, due = agree(text, noise(11, 4, 5, 2), noise(11, 4, 5, 2), training)
    assert 0 < (spikes != 0).double().mean() < 1
    for name, gradient in due.items():
        assert gradient.any(), name


@settings(max_examples=40, deadline=None)
@given(
    text=st.sampled_from(EVERY),
    T=st.integers(1, 20),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    mean=st.sampled_from([-1.0, 0.0, 0.5, 3.0]),
    seed=st.integers(0, 2**31),
)
def test_any_shape_and_length(text, T, shape, mean, seed):
    torch.manual_seed(seed)
    x, cotangent = noise(T, *shape, mean=mean), noise(T, *shape)
    one_value_per_channel = T * math.prod(shape) == (shape[1] if len(shape) > 1 else 1)
    agree(text, x, cotangent, training=not (text.startswith("mulfree") and one_value_per_channel))


@pytest.mark.parametrize("text", [t for t in SERIAL if "detach_reset=true" not in t and "ilif" not in t])
def test_gradients_are_finite_differences_where_the_step_is_its_primitive(text, monkeypatch):
    """The reference with its primitive in the place of H is smooth: its slope is what both pass on."""
    torch.manual_seed(6)
    x = noise(6, 2, 3)
    _, smooth = pair(text, x)
    names, values = dict(smooth.named_parameters()).keys(), smooth.parameters()
    monkeypatch.setattr(reference_stateful, "valued", lambda z, primitive, **_: primitive)

    def outputs(x, *values):
        return torch.func.functional_call(smooth, dict(zip(names, values, strict=True)), (x,))

    leaves = [x.requires_grad_(), *(value.detach().requires_grad_() for value in values)]
    assert torch.autograd.gradcheck(outputs, leaves, eps=1e-7, atol=1e-4)


@pytest.mark.parametrize("text", [t for t in SERIAL if not t.startswith("glif(")])
def test_step_by_step_is_the_loop(text):
    assert has_step(parse(text))
    x = noise(9, 3, 5)
    module, _ = pair(text, x)
    expected, state, found = module(x), None, []
    for x_t in x.unbind(0):
        s, state = module.step(x_t, state)
        found.append(s)
    assert torch.equal(torch.stack(found), expected)


@pytest.mark.parametrize("text", EVERY)
def test_only_the_past_matters(text):
    x = noise(10, 4, 30)
    module, _ = pair(text, x, training=False)
    changed = x.clone()
    changed[6:] = 3 * noise(4, 4, 30)
    before, after = module(x), module(changed)
    assert torch.equal(before[:6], after[:6])
    assert causal(parse(text))
    if "mulfree-psn(k=1" not in text:
        assert not torch.equal(before[6:], after[6:])


def test_a_batch_norm_makes_it_acausal_while_it_trains():
    assert causal(parse("mulfree-psn")) is True
    assert causal(parse("mulfree-psn"), training=True) is False
    assert causal(parse("clif"), training=True) is True


@pytest.mark.parametrize("text", EVERY)
def test_a_neuron_travels(text):
    x = noise(6, 2, 5, dtype=torch.float32)
    module, _ = pair(text, x.double(), training=False)
    module.float()
    expected = module(x)
    fresh = build(parse(text), 6).eval()
    fresh.load_state_dict(module.state_dict())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), fresh):
        assert torch.equal(other(x), expected)


def test_parameters_first_needed_in_inference_can_be_trained():
    module = build(parse("adlif"), 4)
    x = noise(4, 2, 3, dtype=torch.float32)
    with torch.inference_mode():
        module(x)
    module(x).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize("kind", [spec.name for spec in SPECS if spec.per_channel])
def test_another_number_of_channels_is_refused(kind):
    module = build(parse(kind), 4).eval()
    module(torch.zeros(4, 2, 3))
    with pytest.raises(NeuronError, match="input has 5 channels where the neuron was built for 3"):
        module(torch.zeros(4, 2, 5))


@pytest.mark.parametrize(
    ("text", "per_layer", "per_channel"),
    [("glif", 7 + 8, 0), ("tc-lif", 2, 0), ("cuba-lif(learn_decay=true)", 2, 0), ("clif", 0, 0),
     ("adlif", 0, 4), ("prf", 0, 2), ("pmsn", 0, 26), ("mulfree-psn", 0, 6), ("mulfree-psn(k=9)", 0, 11)],
)  # fmt: skip
def test_how_much_is_learned(text, per_layer, per_channel):
    module = build(parse(text), 8).eval()
    module(torch.zeros(8, 2, 5))
    assert sum(parameter.numel() for parameter in module.parameters()) == per_layer + 5 * per_channel


def test_initial_values():
    glif = build(parse("glif"), 8).requires_grad_(False)
    assert float(glif.tau.sigmoid()) == pytest.approx(0.25)
    assert float(glif.leak.sigmoid()) == pytest.approx(0.5 / 16)
    assert glif.conduct.sigmoid().tolist() == pytest.approx([0.5] * 8)
    assert abs(float(glif.a)) <= 0.1
    assert build(parse("tc-lif"), 8).w.tolist() == [0, 0]
    adlif, prf = build(parse("adlif"), 8), build(parse("prf(scale=10)"), 8)
    for module in (adlif, prf):
        module(torch.zeros(8, 2, 4000))
        module.requires_grad_(False)
    assert math.exp(-1 / 5) <= float(adlif.al.min()) < float(adlif.al.max()) <= math.exp(-1 / 25)
    assert -1 <= float(adlif.a.min()) < -0.99 < 0.99 < float(adlif.a.max()) <= 1
    assert 0.001 <= float(prf.log_dt.exp().min()) < float(prf.log_dt.exp().max()) <= 0.1 + 1e-6
    assert 0 < float(prf.log_theta.exp().max()) <= 0.2 * math.pi + 1e-6
    norm = build(parse("mulfree-psn"), 8).eval()
    norm(torch.zeros(8, 2, 3))
    assert (norm.norm.weight.tolist(), norm.norm.bias.tolist()) == ([1] * 3, [-1] * 3)


@pytest.mark.parametrize("leaks", ["", "decay_input=false,", "tau=5,"])
@pytest.mark.parametrize("T", [1, 12, 300])
def test_the_decoupled_reset_is_the_detached_one(leaks, T):
    x, cotangent = noise(T, 40), noise(T, 40)
    inside = f"({leaks}threshold=0.8)"
    spikes, got = gradients(build(parse(f"lif@decoupled{inside}"), T), x, cotangent)
    expected, due = gradients(build(parse(f"lif{inside}"), T), x, cotangent)
    assert torch.equal(spikes, expected)
    torch.testing.assert_close(got["x"], due["x"], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("more", ["reset=hard", "detach_reset=false"])
def test_the_decoupled_reset_is_soft_and_detached_or_unsupported(more):
    with pytest.raises(UnsupportedError, match="reset=soft and detach_reset=true"):
        build(parse(f"lif@decoupled({more})"), 4)
