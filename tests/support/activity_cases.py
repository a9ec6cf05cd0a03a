"""Cases of a sparsity run as `psubench.experiments.sparsity.rows` gives them, made without torch."""

from support.records_of import typed

from psubench.experiments.sparsity.rows import cases
from psubench.neurons import parse
from psubench.neurons.operations import dynamics
from psubench.sops import energy_models
from psubench.sops.layer_counts import LayerCounts
from psubench.sops.rows import Pricing, layer_rows

T, SAMPLES, SIDE = 4, 10, 6
STEPS = {"lif": (4, 30, 50, 60), "psn": (40, 90, 20, 70), "psu": (60, 20, 10, 6)}


def layers(neuron, uncounted=()):
    """Two synapses and a spiking layer between them; the second synapse gets the spikes."""
    spikes = sum(STEPS[neuron])
    first = LayerCounts(
        "conv1", "synapse", "conv", (8, 2, 3, 3), True, SAMPLES, events=900, sop_unit=30_000,
        sop_graded=90_000, sop_dense=480_000, mac_textbook=518_400, sop_eff_nzw=120_000,
        sop_value=200_000.0, sop_events=200_000, bias=0, bn=11_520, uncounted=uncounted,
    )  # fmt: skip
    between = LayerCounts(
        "neuron1", "neuron", "neuron", (8, SIDE, SIDE), n_samples=SAMPLES, spikes=spikes,
        neuron_steps=T * SAMPLES * 8 * SIDE * SIDE, spikes_per_step=STEPS[neuron],
    )  # fmt: skip
    last = LayerCounts(
        "fc1", "synapse", "linear", (10, 288), n_samples=SAMPLES, events=spikes, sop_unit=10 * spikes,
        sop_dense=10 * between.neuron_steps, mac_textbook=10 * between.neuron_steps, sop_eff_nzw=10 * spikes,
        sop_value=10.0 * spikes, bias=400,
    )  # fmt: skip
    return [first, between, last]


def records(neurons=("lif", "psn", "psu"), weights="untrained", model="horowitz45-fp32", **uncounted):
    """A run with a record for every neuron but those that are called `failed`."""
    priced = energy_models.parse(model)
    described = {
        "name": priced.name, "source": priced.source, "verified": priced.verified, "omits": priced.omits,
        "constants_pj": dict(priced.constants),
    }  # fmt: skip
    plan, found = [], []
    for neuron in neurons:
        ok = neuron in STEPS
        case = {
            "kind": "sparsity", "neuron": neuron, "implementation": "matmul", "model": "tiny",
            "data": "spoken-digits", "T": T, "batch": 5, "size": None, "device": "cpu", "dtype": "float32",
            "phase": "infer", "mode": "layer", "threads": 1, "samples": SAMPLES, "weights": weights,
            "energy_model": model, "first_layer": "sparse_mac", "pooling": "graded",
        }  # fmt: skip
        plan.append({"key": neuron, "case": case, "label": neuron, "reference": neuron, "skip": None})
        outcome = {"key": neuron, "neuron": neuron, "status": "ok", "message": None}
        if ok:
            pricing = Pricing(priced, "sparse_mac", "graded")
            counts = layers(neuron, uncounted.get(neuron, ()))
            outcome |= {
                "split": "test", "note": None, "calibrated_layers": 1, "energy_model": described,
                "layers": layer_rows(counts, dynamics(parse(neuron), T), T, pricing), **pictures(neuron),
            }  # fmt: skip
        else:
            outcome |= {"status": "oom", "message": "out of memory"}
        if neuron != "never":
            found.append({"type": "activity", "case": case, "process": 0, "cases": [outcome]})
    return [{"type": "run", "run_id": "20261124T101500Z-0a1b2c", "cases": plan}, *found]


def pictures(neuron):
    """Maps of two channels and a raster, of numbers that differ between neurons."""
    shift = len(neuron) + ord(neuron[-1])
    rows = [[[(x * y + shift + c) % (T + 1) for x in range(SIDE)] for y in range(SIDE)] for c in range(2)]
    spikes = [[t, n] for t in range(T) for n in range(6) if (t * 5 + n + shift) % 4 == 0]
    return {
        "maps": [{"layer": "neuron1", "channels": [0, 7], "spikes": rows}],
        "raster": [{"layer": "neuron1", "of": 288, "neurons": [0, 57, 115, 172, 230, 287], "spikes": spikes}],
    }


def made(*args, **options):
    """The cases of `records`."""
    return cases(typed(records(*args, **options)))
