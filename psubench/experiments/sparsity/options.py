"""Options of `psubench sparsity`."""

from typing import Annotated

from msgspec import Meta

from psubench.experiments import notations as n
from psubench.experiments.axes import Axes, Dtype, MaxMemory, Network, Seed, Timeout
from psubench.experiments.option import Option
from psubench.runs.case import DTYPES
from psubench.sops.work import FIRST_LAYER, POOLING
from psubench.training.recipe import MOST_EPOCHS

Samples = Annotated[int, Meta(ge=1, le=1_000_000_000), Option("Samples of the test split that are counted.")]
EnergyModel = Annotated[
    str,
    Option("One of `psubench list energy-models`, a TOML file, or file.py:function.", "NAME", n.ENERGY_MODEL),
]
FirstLayer = Annotated[
    str,
    Option(
        "What the input costs: sparse_mac, dense_mac, or as_events if it counts events.",
        "POLICY",
        n.one_of(FIRST_LAYER),
    ),
]
Pooling = Annotated[
    str,
    Option(
        "Averages of spikes: graded inputs, or fold their divisor into the weights.",
        "POLICY",
        n.one_of(POOLING),
    ),
]
Strict = Annotated[bool, Option("Exit 4 if an operation could not be counted.", suite="settings")]
Checkpoint = Annotated[
    str, Option("Weights: a checkpoint, weights.safetensors, or the folder of a training.", "PATH", n.PATH)
]
TrainEpochs = Annotated[
    int,
    Meta(ge=1, le=MOST_EPOCHS),
    Option("Epochs to train each network first; default: untrained."),
]
Calibrate = Annotated[
    bool, Option("Let the normalisation of untrained networks meet the data first; loaded ones never do.")
]


class SparsityOptions(Axes, frozen=True, kw_only=True):
    """Firing rates, synaptic operations and energy estimates of a network."""

    model: Network = "vggsnn(width=0.25)"
    samples: Samples = 64
    dtype: Dtype = DTYPES[0]
    energy_model: EnergyModel = "horowitz45-fp32"
    first_layer: FirstLayer = FIRST_LAYER[0]
    pooling: Pooling = POOLING[0]
    strict: Strict = False
    timeout: Timeout = 120.0
    max_memory: MaxMemory | None = None
    seed: Seed = 0
    checkpoint: Checkpoint | None = None
    train_epochs: TrainEpochs | None = None
    calibrate: Calibrate = True
