"""From the words of the command line to the cases in which a network's operations are counted. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

from psubench import data, models
from psubench.activity import energy_models
from psubench.activity.work import FIRST_LAYER, POOLING
from psubench.errors import PsubenchError
from psubench.neurons import parse_list
from psubench.suite import DTYPES, Block, Case, Entry, choice, parse_range

KIND = "sparsity"
UNTRAINED = "untrained"
CHECKPOINT = "checkpoint "
EPOCHS = "epochs "
"""What the weights of a case begin with when they come from a file, or are trained on the spot."""
SPARSITY: Mapping[str, str | None] = MappingProxyType(
    {
        "neurons": "lif,psn,psu,ipsu,rpsu",
        "model": "vggsnn(width=0.25)",
        "data": None,
        "T": None,
        "dtype": "float32",
        "energy_model": "horowitz45-fp32",
        "first_layer": FIRST_LAYER[0],
        "pooling": POOLING[0],
    }
)
"""What `sparsity` counts where nothing else is said. Data and T are then those of the model."""


def weights_word(checkpoint: Path | None, train_epochs: int | None) -> str:
    """How the weights of a case come about, as `CountCase.weights` holds it.

    Raises:
        PsubenchError: both are given, or there is nothing at that path.
    """
    if checkpoint is not None and train_epochs is not None:
        raise PsubenchError("--checkpoint and --train-epochs both give weights", "keep one of the two")
    if checkpoint is not None:
        if not checkpoint.exists():
            raise PsubenchError(f'--checkpoint "{checkpoint}" does not exist', "check the path")
        return f"{CHECKPOINT}{checkpoint}"
    return UNTRAINED if train_epochs is None else f"{EPOCHS}{train_epochs}"


@dataclass(frozen=True)
class CountCase(Case):
    """One network with one neuron, whose operations are counted.

    Attributes:
        samples: how many are counted, in batches of `batch`.
        weights: "untrained", "checkpoint PATH", or "epochs N" for so many on the spot.
        energy_model: as the user named it.
        first_layer, pooling: policies, see `psubench.activity.work`.
    """

    samples: int
    weights: str
    energy_model: str
    first_layer: str
    pooling: str


def count_blocks(
    words: Mapping[str, str | None],
    *,
    batch: int,
    samples: int,
    device: str,
    threads: int,
    weights: str = UNTRAINED,
    prefix: str = "--",
) -> list[Block]:
    """A block per neuron and T, with every name checked; each is counted and recorded on its own.

    Args:
        words: options of `sparsity` and their texts; what is missing or None is as in `SPARSITY`.
        weights: as `weights_word` gives it.
        prefix: of the options' names in errors.

    Raises:
        PsubenchError: a word means nothing, or model and data do not fit together.
    """
    given = {**SPARSITY, **{name: word for name, word in words.items() if word is not None}}
    ref, data_ref, own_T = _network(given, prefix)
    blocks = []
    for T, neuron in product(
        parse_range(given["T"] or own_T, f"{prefix}T"), parse_list(str(given["neurons"]))
    ):
        case = CountCase(
            kind=KIND, neuron=neuron.name, implementation=neuron.implementation, model=ref.name,
            data=data_ref.name, T=T, batch=batch, size=None, device=device,
            dtype=choice(str(given["dtype"]), DTYPES, f"{prefix}dtype"),
            phase="infer", mode="layer", threads=threads,
            samples=samples, weights=weights, energy_model=str(given["energy_model"]),
            first_layer=choice(str(given["first_layer"]), FIRST_LAYER, f"{prefix}first-layer"),
            pooling=choice(str(given["pooling"]), POOLING, f"{prefix}pooling"),
        )  # fmt: skip
        blocks.append(Block((Entry(case, neuron),)))
    return blocks


def _network(given: Mapping[str, str | None], prefix: str) -> tuple[models.ModelRef, data.DataRef, str]:
    """Network, data and the network's own T, checked to fit together."""
    if given["model"] == "neuron":
        raise PsubenchError(
            f"{prefix}model neuron: a layer of neurons has no synapses",
            'give a network, such as "shd(depth=1)"',
        )
    ref = models.parse(str(given["model"]))
    spec = None if ref.is_plugin else models.TABLE[ref.kind]
    data_ref = data.parse(given["data"] or (spec.real if spec else "normal"))
    if spec is not None and not data_ref.is_plugin:
        models.shape_for(ref, data.TABLE[data_ref.kind].step, data_ref.name)
    energy_models.parse(str(given["energy_model"]))
    return ref, data_ref, str(spec.T if spec else 10)
