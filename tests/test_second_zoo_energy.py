"""Operations of the second zoo: hand counts, and the published energies of a layer's own dynamics."""

import pytest

from psubench.neurons import parse
from psubench.neurons.operations import Operations, dynamics

M, T, K = 128, 2048, 32
MAC, MUL, AC = 4.6, 3.7, 0.9  # picojoule

# Counted by hand from the equations, for T = 3.
BY_HAND = {
    "cuba-lif": Operations(mac=6, cmp=3),
    "cuba-lif(reset=soft)": Operations(mac=6, ac_per_spike=1, cmp=3),
    "clif": Operations(mac=9, ac_per_spike=3, cmp=3, nonlin=3, nonlin_per_spike=1),
    "glif": Operations(mac=6, ac=3, ac_per_spike=1, cmp=3),
    "adlif": Operations(mac=9, ac=3, ac_per_spike=2, cmp=3),
    "tc-lif": Operations(mac=6, ac=3, ac_per_spike=2, cmp=3),
    "ilif": Operations(mac=3, ac_per_spike=1, cmp=6, nonlin=3),
    "ternary-lif": Operations(mac=3, cmp=6),
    "fpt": Operations(mac=21, ac=9, cmp=3, nonlin=9),
    "fpt(hard=true,K=1)": Operations(mac=6, ac=6, cmp=6),
    "prf": Operations(mac=12, cmp=3),
    "pmsn": Operations(mac=75, ac=6, cmp=6, nonlin=3),
    "mulfree-psn(k=2)": Operations(ac=5, cmp=3),
    "mulfree-psn(k=2,dilation=2)": Operations(ac=4, cmp=3),
}


@pytest.mark.parametrize("text", BY_HAND)
def test_ideal_operations_are_the_hand_count(text):
    assert dynamics(parse(text), 3).ideal == BY_HAND[text]


def microjoule(*, mac=0, mul=0, ac=0):
    """Of the whole layer, for operations per neuron over all steps."""
    return M * (mac * MAC + mul * MUL + ac * AC) * 1e-6


def ideal(text):
    return dynamics(parse(text), T).ideal


def test_published_energies_from_our_own_counts():
    assert microjoule(mac=ideal("lif").mac) == pytest.approx(1.205862, abs=1e-6)
    assert microjoule(mac=ideal("psn").mac) == pytest.approx(2469.606195, abs=1e-6)
    tc = ideal("tc-lif")  # published with both resets at every step
    assert microjoule(mac=tc.mac, ac=tc.ac + tc.ac_per_spike * T) == pytest.approx(3.119514, abs=1e-6)
    # A complex product has two products that nothing is added to; dt x is published, where we put dt
    # into the weights in front.
    prf = ideal("prf").mac
    assert microjoule(mac=prf - T, mul=2 * T) == pytest.approx(5.557453, abs=1e-6)
    assert microjoule(mac=ideal("pmsn").mac - T) == pytest.approx(28.940698, abs=1e-6)  # without D x


@pytest.mark.parametrize("kind", ["masked-psn", "sliding-psn"])
def test_the_published_window_ignores_its_start(kind):
    ours = microjoule(mac=ideal(f"{kind}(k={K})").mac)
    start = microjoule(mac=K * (K - 1) // 2)
    assert ours + start == pytest.approx(38.587597, abs=1e-6)


def test_the_published_adaptive_neuron_keeps_what_we_put_into_the_weights():
    published = microjoule(mac=4 * T, mul=3 * T)
    assert published == pytest.approx(7.733248, abs=1e-6)
    ours = ideal("adlif")
    assert microjoule(mac=ours.mac, ac=ours.ac + ours.ac_per_spike * T) < published
