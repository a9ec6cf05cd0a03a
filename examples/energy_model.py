"""An energy model of one's own: arithmetic as by Horowitz, and a fetch of every weight that is used.

It gives picojoule for a `Work`, whose counts (mac, ac, spikes, dynamics_mac, ...) are over all samples; None
is unknown, and what follows from it is None too, never 0. `source` stands in every table: an estimate
is worth what its source is worth.

    $ psubench sparsity --model "mlp(width=0.25)" --neurons lif,psu --T 16 --samples 16 --energy-model examples/energy_model.py:with_weights

Where prices per operation are enough, a TOML file does it without code:

    $ psubench sparsity --model "mlp(width=0.25)" --neurons lif,psu --T 16 --samples 16 --energy-model examples/energy_model.toml
"""  # noqa: E501

MAC, AC = 4.6, 0.9  # pJ in float32
WEIGHT = 10.0  # pJ: half of a 64-bit access to 32 KiB


def with_weights(work):
    """Picojoule of all multiply-accumulates and accumulates, and one fetch of a weight per synaptic one."""
    counts = (work.mac, work.ac, work.dynamics_mac, work.dynamics_ac)
    if None in counts:
        return None
    mac, ac, dynamics_mac, dynamics_ac = counts
    return MAC * (mac + dynamics_mac) + AC * (ac + dynamics_ac) + WEIGHT * (mac + ac)


with_weights.source = "Horowitz, ISSCC 2014, 45 nm; a 32-bit access to 32 KiB per operation: example"
