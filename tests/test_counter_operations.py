"""Every way to write a product is counted, and what cannot be counted is named."""

import pytest
import torch
from support.brute_force import DYADIC, of_linear, totals
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, prune

from psubench import neurons
from psubench.errors import PsubenchError
from psubench.sops.counter import Counter

T, B, IN, OUT = 3, 2, 4, 5
COUNTS = ("sop_unit", "sop_graded", "sop_dense", "sop_eff_nzw", "sop_value", "mac_textbook")
MODES = (torch.enable_grad, torch.no_grad, torch.inference_mode)


def dyadic(*shape, seed=0):
    return torch.tensor(DYADIC)[
        torch.randint(len(DYADIC), shape, generator=torch.Generator().manual_seed(seed))
    ]


class Functional(nn.Module):
    """A weight [OUT, IN] and a function of it and x."""

    def __init__(self, function, weight=None):
        super().__init__()
        self.w = nn.Parameter(dyadic(OUT, IN, seed=1) if weight is None else weight)
        self.function = function

    def forward(self, x):
        return self.function(x, self.w)


WAYS = {
    "linear": functional.linear,
    "matmul": lambda x, w: x @ w.T,
    "weight first": lambda x, w: w @ x.mT,
    "einsum": lambda x, w: torch.einsum("tbi,oi->tbo", x, w),
    "einsum, T last": lambda x, w: torch.einsum("tbi,oi->obt", x, w),
    "mm": lambda x, w: torch.mm(x.flatten(0, 1), w.t()),
    "addmm": lambda x, w: torch.addmm(torch.zeros(OUT), x.flatten(0, 1), w.t()),
    "bmm": lambda x, w: torch.bmm(x, w.T.expand(T, IN, OUT)),
    "tensordot": lambda x, w: torch.tensordot(x, w, dims=([2], [1])),
    "inner": torch.inner,
    "step by step": lambda x, w: torch.stack([functional.linear(now, w) for now in x]),
    "mv": lambda x, w: torch.stack([torch.mv(w, row) for row in x.flatten(0, 1)]),
    "copied": lambda x, w: x @ w.t().contiguous().clone(),
    "scaled": lambda x, w: x @ (w * 2).T,
    "double": lambda x, w: x.double() @ w.double().T,
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_write_a_product(way, mode):
    module, x = Functional(WAYS[way]), dyadic(T, B, IN)
    with mode(), Counter(module, {}) as counter:
        module(x)
    layers = [layer for layer in counter.counts() if layer.kind]
    assert [layer.layer for layer in layers] == ["w"]
    assert {name: getattr(layers[0], name) for name in COUNTS} == of_linear(x, module.w)
    assert layers[0].complete
    assert layers[0].n_samples == B


def test_a_product_of_every_sample_with_another_matrix():
    module = Functional(lambda x, w: torch.einsum("tbi,boi->tbo", x, w), dyadic(B, OUT, IN, seed=1))
    x = dyadic(T, B, IN)
    with torch.no_grad(), Counter(module, {}) as counter:
        module(x)
    (layer,) = counter.counts()
    pairs = [
        ((t, b, i), (b, o, i)) for t in range(T) for b in range(B) for o in range(OUT) for i in range(IN)
    ]
    assert {name: getattr(layer, name) for name in COUNTS[:-1]} == totals(pairs, x, module.w)


@pytest.mark.parametrize("mode", MODES)
def test_recurrent_cells_count_apart(mode):
    cell = nn.RNNCell(IN, OUT)

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = cell

        def forward(self, x):
            h, self.states = x.new_zeros(x.shape[1], OUT), []
            for now in x:
                self.states.append(h)
                h = (self.cell(now, h) > 0).to(x.dtype)
            return h

    module, x = Loop(), dyadic(T, B, IN)
    with mode(), Counter(module, {}) as counter:
        module(x)
    layers = {layer.layer: layer for layer in counter.counts()}
    given, fed_back = layers["cell.weight_ih"], layers["cell.weight_hh"]
    assert {name: getattr(given, name) for name in COUNTS} == of_linear(x, cell.weight_ih)
    due = of_linear(torch.stack(module.states), cell.weight_hh)
    assert fed_back.recurrent_unit == due["sop_unit"] > 0
    assert fed_back.recurrent_graded == due["sop_graded"] == 0
    assert fed_back.recurrent_dense == due["sop_dense"]
    assert fed_back.sop_eff == fed_back.sop_dense == fed_back.sop_eff_nzw == fed_back.sop_value == 0
    assert given.bias == fed_back.bias == T * B * OUT
    assert given.complete
    assert fed_back.complete


def test_a_recurrent_layer_can_be_named():
    module = nn.Sequential(nn.Linear(IN, IN), nn.Linear(IN, OUT))
    with torch.no_grad(), Counter(module, {}, recurrent=["0"]) as counter:
        module(torch.ones(T, B, IN))
    first, second = counter.counts()
    assert (first.recurrent_dense, first.sop_dense) == (T * B * IN * IN, 0)
    assert (second.recurrent_dense, second.sop_dense) == (0, T * B * IN * OUT)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU])
def test_recurrent_layers_that_torch_takes_apart_are_complete(kind, mode):
    module = kind(IN, OUT)
    with mode(), Counter(module, {}) as counter:
        module(torch.ones(T, B, IN))
    layers = {layer.layer: layer for layer in counter.counts()}
    gates = 3 if kind is nn.GRU else 1
    assert layers["weight_ih_l0"].sop_dense == T * B * IN * gates * OUT
    assert layers["weight_hh_l0"].recurrent_dense == T * B * OUT * gates * OUT
    assert all(layer.complete for layer in layers.values())


def test_pruned_and_parametrised_weights_belong_to_their_layer():
    pruned = prune.l1_unstructured(nn.Linear(IN, OUT), "weight", amount=0.5)
    normed = parametrizations.weight_norm(nn.Linear(OUT, OUT))
    module = nn.Sequential(pruned, normed)
    with torch.no_grad(), Counter(module, {}) as counter:
        module(torch.ones(T, B, IN))
    layers = {layer.layer: layer for layer in counter.counts()}
    assert layers["1"].sop_dense == T * B * OUT * OUT
    assert layers["1"].complete
    assert layers["0"].sop_eff == T * B * IN * OUT
    assert layers["0"].sop_eff_nzw == T * B * IN * OUT // 2


def test_a_buffer_is_a_weight_beside_an_activation_and_a_state_beside_a_parameter():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("fixed", dyadic(IN, IN, seed=2))
            self.register_buffer("state", torch.ones(B, IN))
            self.fc = nn.Linear(IN, OUT, bias=False)

        def forward(self, x):
            self.fc(self.state)
            return x @ self.fixed

    module = Both()
    with torch.no_grad(), Counter(module, {}) as counter:
        module(torch.ones(T, B, IN))
    layers = {layer.layer: layer.sop_eff for layer in counter.counts()}
    assert layers == {"fc": B * IN * OUT, "fixed": T * B * IN * IN}


def test_a_neuron_computes_on_its_own_account():
    spiking = neurons.build(neurons.parse("ipsu"), T)
    module = nn.Sequential(nn.Linear(IN, OUT), spiking)
    with torch.no_grad(), Counter(module, {"1": spiking}) as counter:
        module(torch.ones(T, B, IN))
    synapse, neuron = counter.counts()
    assert synapse.sop_dense == T * B * IN * OUT
    assert (neuron.role, neuron.neuron_steps, neuron.mac_textbook) == ("neuron", T * B * OUT, 0)
    assert neuron.complete
    with torch.no_grad(), Counter(module, {}) as counter:  # not told that it is a neuron
        module(torch.ones(T, B, IN))
    assert "1" in {layer.layer for layer in counter.counts()}


class Bag(nn.EmbeddingBag):
    def forward(self, x):
        return super().forward(x.flatten(1).long())


@torch.library.custom_op("psubench_tests::strange", mutates_args=())
def strange(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x @ w.T


UNKNOWN = {
    "sparse": (Functional(lambda x, w: torch.sparse.mm(w.to_sparse(), x.flatten(0, 1).T)), "w", "sparse"),
    "bag": (Bag(10, 3), "weight", "aten._embedding_bag"),
    "lstm": (nn.LSTM(IN, OUT), "weight_ih_l0", "aten.mkldnn_rnn_layer"),
    "custom": (Functional(strange), "w", "psubench_tests.strange"),
    "elementwise": (Functional(lambda x, w: x * w, dyadic(B, IN)), "w", "aten.mul"),
}


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", UNKNOWN)
def test_what_has_no_rule_is_named(what, mode):
    module, where, operation = UNKNOWN[what]
    with mode(), Counter(module, {}) as counter:
        module(torch.ones(T, B, IN))
    layers = {layer.layer: layer for layer in counter.counts()}
    assert not layers[where].complete
    assert operation in " ".join(layers[where].uncounted)


def test_attention_that_torch_fuses_is_named_beside_the_counts_of_its_layers():
    module = nn.MultiheadAttention(IN, 2)
    with torch.no_grad(), Counter(module, {}) as counter:
        module(*[torch.ones(T, B, IN)] * 3, need_weights=False)
    layers = {layer.layer: layer for layer in counter.counts()}
    assert layers["in_proj_weight"].sop_unit == layers["in_proj_weight"].sop_dense == T * B * IN * 3 * IN
    assert [name for name, layer in layers.items() if not layer.complete] == ["in_proj_weight (attention)"]
    assert layers["out_proj"].sop_dense == T * B * IN * IN


def test_a_name_that_is_not_there():
    with pytest.raises(PsubenchError, match='no part "fc9"'):
        Counter(nn.Linear(2, 2), {"fc9": nn.Identity()})
    with pytest.raises(PsubenchError, match='no part "rec"'):
        Counter(nn.Linear(2, 2), {}, recurrent=["rec"])
    module = nn.Linear(2, 2)
    with Counter(module, {}), pytest.raises(PsubenchError, match="more than 1 dimensions"):
        module(torch.ones(2))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("pool", "elements"),
    [
        (nn.MaxPool1d(2), 8), (nn.AvgPool1d(2), 8), (nn.AdaptiveAvgPool1d(1), 8), (nn.MaxPool1d(3, 1), 18),
    ],
)  # fmt: skip
def test_poolings(pool, elements, mode):
    with mode(), Counter(pool, {}) as counter:
        pool(torch.ones(3, 2, 8))
    assert [layer.pooling for layer in counter.counts()] == [3 * 2 * elements]
