"""Products of two activations, and averages that are folded or named."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from psubench import neurons
from psubench.sops.counter import Counter
from psubench.sops.network import count

T, B = 3, 2


class Attention(nn.Module):
    """q k^T v of spikes, one token per step."""

    def __init__(self, form):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(4, 6, bias=False) for _ in range(3))
        self.form = form

    def forward(self, x):
        self.made = [(layer(x) > 0).float() for layer in (self.q, self.k, self.v)]
        return self.form(*self.made)


FORMS = {
    "matmul": lambda q, k, v: (q @ k.mT) @ v * 0.125,
    "einsum": lambda q, k, v: torch.einsum("tij,tjd->tid", torch.einsum("tid,tjd->tij", q, k), v),
    "baddbmm": lambda q, k, v: torch.baddbmm(torch.zeros_like(q), torch.bmm(q, k.mT), v),
}


@pytest.mark.parametrize("form", FORMS)
def test_spikes_that_meet_spikes_are_counted_on_both_sides(form):
    torch.manual_seed(0)
    module, x = Attention(FORMS[form]), torch.randint(0, 2, (T, B, 4)).float()
    layers = {layer.layer: layer for layer in count(module, {}, [x])}
    module(x)
    q, k, v = module.made
    a = q @ k.mT
    for name, left, right in (("product 1", q, k.mT), ("product 2", a, v)):
        pairs = [
            (float(left[t, i, j]), float(right[t, j, d]))
            for t in range(T) for i in range(B) for j in range(left.shape[2]) for d in range(right.shape[2])
        ]  # fmt: skip
        layer = layers[name]
        assert layer.sop_dense == layer.mac_textbook == len(pairs)
        assert layer.sop_eff == sum(one != 0 and other != 0 for one, other in pairs) > 0
        assert layer.sop_unit == sum(abs(one) == abs(other) == 1 for one, other in pairs)
        assert layer.sop_value == sum(one * other for one, other in pairs)
    assert all(layer.complete for layer in layers.values())
    assert layers["v"].sop_dense == T * B * 4 * 6


class Pooled(nn.Module):
    def __init__(self, pool):
        super().__init__()
        self.pool, self.fc = pool, nn.LazyLinear(6, bias=False)
        self.fire = neurons.build(neurons.parse("if"), T)

    def forward(self, x):
        self.fired = self.fire(2 * x)
        return self.fc(self.pool(self.fired.flatten(0, 1)).flatten(1))


def sums_of(windows):
    return lambda s: functional.avg_pool2d(s, windows) * windows**2


FOLDED = {
    "one": (lambda s: functional.avg_pool2d(s, 3), sums_of(3)),
    "two in a row": (lambda s: functional.avg_pool2d(functional.avg_pool2d(s, 2), 2), sums_of(4)),
    "adaptive": (lambda s: functional.adaptive_avg_pool2d(s, 3), sums_of(3)),
    "global": (lambda s: functional.adaptive_avg_pool2d(s, 1), lambda s: s.sum((-1, -2))),
    "mean": (lambda s: s.mean((-1, -2)), lambda s: s.sum((-1, -2))),
    "copied and moved": (
        lambda s: torch.cat([functional.avg_pool2d(s, 3).flatten(2).mT.contiguous()] * 2),
        lambda s: torch.cat([functional.avg_pool2d(s, 3) * 9] * 2),
    ),
    "in another memory": (lambda s: functional.dropout(functional.avg_pool2d(s, 3), 0.5, False), sums_of(3)),
}


def image():
    return (torch.rand(T, B, 4, 9, 9, generator=torch.Generator().manual_seed(7)) < 0.2).float()


def counted(pool, fold):
    module, x = Pooled(pool), image()
    module(x)  # makes the weight
    found = {layer.layer: layer for layer in count(module, {"fire": module.fire}, [x], fold=fold)}
    return found["fc"], module.fired.flatten(0, 1)


@pytest.mark.parametrize("way", FOLDED)
def test_averages_that_are_folded_are_sums_of_spikes(way):
    pool, by_hand = FOLDED[way]
    layer, spikes = counted(pool, fold=True)
    sums = by_hand(spikes).round()
    assert layer.sop_unit == 6 * int((sums == 1).sum())
    assert layer.sop_graded == 6 * int((sums > 1).sum()) > 0
    assert layer.unfolded == ()
    graded, _ = counted(pool, fold=False)
    assert graded.sop_eff == layer.sop_eff
    assert graded.unfolded == ()


NOT_FOLDED = {
    "uneven windows": (lambda s: functional.adaptive_avg_pool2d(s, 4), "windows of several sizes"),
    "ceil_mode": (lambda s: functional.avg_pool2d(s, 2, ceil_mode=True), "windows of several sizes"),
    "normalised": (lambda s: functional.avg_pool2d(s, 3) * 0.5 + 1, "went through mul"),
    "beside spikes": (
        lambda s: torch.cat([functional.avg_pool2d(s, 3).flatten(1), s[..., 0, 0]], -1),
        "combined with other values",
    ),
    "of those": (lambda s: functional.avg_pool2d(functional.avg_pool2d(s, 3) - 1, 3), "went through sub"),
}


@pytest.mark.parametrize("way", NOT_FOLDED)
def test_averages_that_are_not_folded_are_named_and_stay_graded(way):
    pool, why = NOT_FOLDED[way]
    layer, _ = counted(pool, fold=True)
    assert why in " ".join(layer.unfolded)
    graded, _ = counted(pool, fold=False)
    assert (layer.sop_unit, layer.sop_graded) == (graded.sop_unit, graded.sop_graded)
    assert layer.complete


def test_averages_end_where_neurons_begin():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fire, self.fc = neurons.build(neurons.parse("if"), T), nn.Linear(36, 2)

        def forward(self, x):
            return self.fc(
                self.fire(functional.avg_pool2d(x.flatten(0, 1), 3).unflatten(0, (T, B))).flatten(2)
            )

    module = Net()
    with torch.no_grad(), Counter(module, {"fire": module.fire}, fold=True) as counter:
        module(image() * 9)
    layer = {found.layer: found for found in counter.counts()}["fc"]
    assert layer.unfolded == ()
    assert layer.sop_graded == 0 < layer.sop_unit
