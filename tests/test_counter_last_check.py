"""Weights that are used in ways that no rule knows: each is counted right, or named and never complete."""

import threading

import pytest
import torch
from torch import nn
from torch.nn import functional

from psubench.sops.counter import Counter
from psubench.sops.last_check import HIDDEN, UNREPEATABLE, last_check
from psubench.sops.network import count

T, B, IN, OUT = 4, 2, 8, 5
EFFECTIVE, DENSE = 110, T * B * IN * OUT


def spikes():
    """110 / OUT of them."""
    x = torch.zeros(T * B * IN)
    x[torch.randperm(len(x), generator=torch.Generator().manual_seed(1))[: EFFECTIVE // OUT]] = 1
    return x.view(T, B, IN)


class Weight(nn.Module):
    """A weight [OUT, IN] and a way to use it."""

    def __init__(self, run, buffer=False):
        super().__init__()
        w = torch.randint(1, 17, (OUT, IN), generator=torch.Generator().manual_seed(2)) / 32
        if buffer:
            self.register_buffer("w", w)
        else:
            self.w = nn.Parameter(w)
        self.run = run

    def forward(self, x):
        return self.run(x, self.w)


def in_a_thread(x, w):
    found = []
    worker = threading.Thread(target=lambda: found.append(x @ w.detach().T))
    worker.start()
    worker.join()
    return found[0]


def into_zeros(x, w):
    y = torch.zeros(*x.shape[:2], OUT)
    y += functional.linear(x, w)
    return y


def state(x, w):
    h, given = torch.zeros(x.shape[1], IN), []
    for now in x:
        h.mul_(0).add_(now)
        given.append(h @ w.T)
    return torch.stack(given)


def bits(x, w):
    """The weight's bytes go through integers."""
    return x @ (w.view(torch.int32) + 0).view(torch.float32).T


RIGHT = {
    "plain": functional.linear,
    "into zeros": into_zeros,
    "state": state,
    "slice of a larger weight": lambda x, w: functional.linear(x, torch.cat([w, w])[:OUT]),
    "clone changed in place": lambda x, w: functional.linear(x, w.clone().mul_(2).t().contiguous().t()),
    "mask of a comparison": lambda x, w: functional.linear(x, w * (w > 0)),
    "noise on the weight": lambda x, w: functional.linear(x, w + torch.randn_like(w)),
    "bits": bits,
    "out=": lambda x, w: torch.matmul(x, w.T, out=torch.empty(*x.shape[:2], OUT)),
    "mapped over the batch": lambda x, w: torch.vmap(lambda one: functional.linear(one, w))(x),
    "weight first": lambda x, w: (w @ x.flatten(0, 1).T).T,
    "transposed convolution": lambda x, w: functional.conv_transpose1d(
        x.permute(1, 2, 0), w.T[..., None]
    ).permute(2, 0, 1),
    "rows of it as a matrix": lambda x, w: torch.cat(
        [functional.linear(x, w[i : i + 1]) for i in range(OUT)], -1
    ),
    "a learned code added in place": lambda x, w: functional.linear(w[:1].repeat(1, 1).zero_() + x, w),
}


@pytest.mark.parametrize("buffer", [False, True])
@pytest.mark.parametrize("way", RIGHT)
def test_other_ways_to_write_a_product_give_the_counts_of_the_plain_one(way, buffer):
    layers = count(Weight(RIGHT[way], buffer), {}, [spikes()])
    assert [layer.uncounted for layer in layers] == [()] * len(layers)
    assert sum(layer.sop_eff for layer in layers) == EFFECTIVE
    assert sum(layer.sop_dense for layer in layers) == DENSE


NAMED = {
    "rows": (lambda x, w: torch.stack([(x * row).sum(-1) for row in w], -1), "aten.mul"),
    "columns": (lambda x, w: sum(x[..., i : i + 1] * w[:, i] for i in range(IN)), "aten.mul"),
    "spectrum": (
        lambda x, w: torch.fft.irfft(torch.fft.rfft(x)[..., None, :] * torch.fft.rfft(w), n=IN).sum(-1),
        "aten.mul",
    ),
    "complex": (lambda x, w: (x + 0j) @ (w + 0j).T, "aten.mm"),
    "integer": (lambda x, w: x.flatten(0, 1).int() @ (w * 32).int().T, "aten.mm"),
    "int8": (
        lambda x, w: torch._int_mm(
            functional.pad(x.flatten(0, 1), (0, 0, 0, 24)).to(torch.int8),
            functional.pad(w * 32, (0, 0, 0, 3)).to(torch.int8).t().contiguous(),
        )[: T * B, :OUT].float(),
        "aten._int_mm",
    ),
    "numpy": (lambda x, w: torch.from_numpy(x.numpy() @ w.detach().numpy().T), "numpy, where values leave"),
    "numpy's own call": (lambda x, w: torch.as_tensor(w.detach().__array__() @ x.flatten(0, 1).T.numpy()),
                         "where values leave"),
    "item": (lambda x, w: sum(x[..., i] * w[0, i].item() for i in range(IN)), "item, where values leave"),
    "list": (lambda x, w: torch.tensor(w.tolist()).sum() * x, "tolist, where values leave"),
    "dot products": (lambda x, w: torch.linalg.vecdot(x[..., None, :], w), "aten.mul"),
    "choice": (lambda x, w: torch.where(x[..., None, :] > 0, w, 0).sum(-1), "aten.where"),
    "distance": (lambda x, w: torch.cdist(x, w.expand(T, OUT, IN)), "aten._cdist_forward"),
    "bilinear": (
        lambda x, w: functional.bilinear(x.flatten(0, 1), torch.ones(T * B, 1), w[..., None]), "trilinear",
    ),
    "rows looked up": (lambda x, w: functional.embedding(x.long(), w.T[:2]).sum(2), "aten.embedding"),
    "thread": (in_a_thread, HIDDEN),
    "thread beside a counted use": (lambda x, w: functional.linear(x, w) + in_a_thread(x, w), HIDDEN),
    "thread through a threshold": (lambda x, w: (in_a_thread(x, w) > 0.3).float(), HIDDEN),
}  # fmt: skip


@pytest.mark.parametrize("buffer", [False, True])
@pytest.mark.parametrize("way", NAMED)
def test_what_cannot_be_counted_is_named(way, buffer):
    run, why = NAMED[way]
    layers = count(Weight(run, buffer), {}, [spikes()])
    assert why in " ".join(reason for layer in layers for reason in layer.uncounted)
    assert "w" in {layer.layer for layer in layers if not layer.complete}


def test_a_weight_that_changes_nothing_is_not_missing_and_one_that_was_not_looked_at_is():
    module = Weight(functional.linear)
    module.unused = nn.Parameter(torch.ones(3, 3))
    assert all(layer.complete for layer in count(module, {}, [spikes()]))
    with torch.no_grad(), Counter(module, {}) as counter:
        module(spikes())
    assert {layer.layer for layer in counter.counts() if not layer.complete} == {"unused"}


def test_the_last_check_finds_the_weight_among_others_and_leaves_no_trace():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.good, self.bad = nn.Linear(IN, IN), nn.Linear(IN, OUT)
            self.register_buffer("seen", torch.zeros(1, IN))

        def forward(self, x):
            self.seen += 1
            return in_a_thread(self.good(x), self.bad.weight)

    module = Two()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    verdict = last_check(module, {}, spikes(), ())
    assert verdict.hidden == {"bad": HIDDEN}
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_a_network_that_cannot_be_repeated_is_not_called_complete():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.calls = nn.Linear(IN, OUT), 0

        def forward(self, x):
            self.calls += 1
            return self.fc(x) * self.calls

    layers = {layer.layer: layer for layer in count(Counting(), {}, [spikes()])}
    assert layers["network"].uncounted == (UNREPEATABLE,)
    assert layers["fc"].sop_eff == EFFECTIVE


def test_parameters_in_one_memory_are_told_apart():
    module = nn.Sequential(nn.Linear(IN, OUT), nn.Linear(OUT, 3))
    vector = nn.utils.parameters_to_vector(module.parameters()).detach()
    nn.utils.vector_to_parameters(vector, module.parameters())
    layers = {layer.layer: layer for layer in count(module, {}, [spikes()])}
    assert (layers["0"].sop_eff, layers["0"].sop_dense, layers["0"].bias) == (EFFECTIVE, DENSE, T * B * OUT)
    assert layers["1"].sop_dense == T * B * OUT * 3
    assert all(layer.complete for layer in layers.values())


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor:UserWarning")
@pytest.mark.parametrize("kind", ["dynamic", "frozen", "vector", "attribute", "nothing but a spectrum"])
def test_a_network_with_synapses_and_none_counted_is_never_complete(kind):
    linear = nn.Sequential(nn.Linear(IN, OUT))
    module = {
        "dynamic": lambda: torch.ao.quantization.quantize_dynamic(linear, {nn.Linear}),
        "frozen": lambda: torch.jit.freeze(torch.jit.script(linear.eval())),
        "vector": Scaled,
        "attribute": Kept,
        "nothing but a spectrum": lambda: Weight(NAMED["spectrum"][0]),
    }[kind]()
    outer = nn.Sequential(module)
    assert not all(layer.complete for layer in count(outer, {}, [spikes()]))


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.rand(IN))

    def forward(self, x):
        return x * self.gain


class Kept(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.rand(OUT, IN)

    def forward(self, x):
        return functional.linear(x, self.w)


def test_what_is_added_in_place_to_a_copy_of_a_parameter_is_an_activation():
    class IntoClone(Weight):
        def __init__(self):
            super().__init__(functional.linear)
            self.code = nn.Parameter(torch.zeros(1, 1, IN))

        def forward(self, x):
            h = self.code.repeat(*x.shape[:2], 1)
            h += x
            return functional.linear(h, self.w)

    layers = {layer.layer: layer for layer in count(IntoClone(), {}, [spikes()])}
    assert (layers["w"].sop_eff, layers["w"].sop_dense) == (EFFECTIVE, DENSE)
    assert layers["code"].bias == T * B * IN
    assert all(layer.complete for layer in layers.values())


def test_a_padding_belongs_to_its_elements_and_not_to_its_memory():
    class Causal(nn.Module):
        """Pads T of [T, B, C] and convolves [B, C, T]."""

        def __init__(self):
            super().__init__()
            self.c = nn.Conv1d(IN, OUT, 3, bias=False)

        def forward(self, x):
            return self.c(functional.pad(x, (0, 0, 0, 0, 2, 0)).permute(1, 2, 0)).permute(2, 0, 1)

    (layer,) = count(Causal(), {}, [torch.ones(5, B, IN)])
    taps = 3 * 5 - (2 + 1)  # in front of the first step two taps meet the padding, then one
    assert layer.sop_dense == layer.sop_eff == taps * B * IN * OUT == 960


def test_weights_made_in_the_forward_pass_have_their_own_zeros():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.ParameterList([nn.Parameter(torch.ones(IN, IN)) for _ in range(4)])

        def forward(self, x):
            masks = [torch.arange(IN)[:, None] <= i for i in range(4)]
            return sum(functional.linear(x, w * mask) for w, mask in zip(self.w, masks, strict=True))

    for mode in (torch.enable_grad, torch.no_grad, torch.inference_mode):
        module = Masked()
        with mode(), Counter(module, {}) as counter:
            module(spikes())
        events = EFFECTIVE // OUT
        assert [layer.sop_eff_nzw for layer in counter.counts()] == [events * (i + 1) for i in range(4)]
