"""How a network is trained: the values of a recipe, with their ranges. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, structs

from psubench.plugins import Value

MOST_EPOCHS = 100_000
MOST_SAMPLES = 1_000_000
"""Of a batch."""
Epochs = Annotated[int, Meta(ge=1, le=MOST_EPOCHS)]
Lr = Annotated[float, Meta(ge=1e-12, le=1e3)]
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_BelowOne = Annotated[float, Meta(ge=0.0, le=0.99)]


TIMES: Mapping[str, str] = MappingProxyType(
    {"kept": "", "shuffled": "steps shuffled", "detached": "no time gradient"}
)
"""What a training makes of the axis of time, and what it is called beside a neuron."""


class Augment(msgspec.Struct, frozen=True, kw_only=True):
    """Random changes of training samples, drawn again in every epoch.

    Attributes:
        flip: mirror half of the samples left to right; for steps of shape [C, H, W].
        shift: largest roll in pixels, up or down and left or right; for steps of shape [C, H, W].
        time_shift: largest move in steps, earlier or later; values that leave are lost, zeros enter.
        drop: probability with which an element of the input is set to zero.
    """

    flip: bool = False
    shift: Annotated[int, Meta(ge=0, le=64)] = 0
    time_shift: Annotated[int, Meta(ge=0, le=1000)] = 0
    drop: _BelowOne = 0.0


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How a network is trained. The defaults suit the small embedded data sets.

    Attributes:
        epochs: passes over the training split.
        batch: samples per step of the optimizer, over all processes.
        loss: "cross-entropy" and "mse" (against one-hot labels) of the mean over T; "tet" of every step
            (Deng et al. 2022, arXiv:2202.11946).
        label_smoothing: of the cross-entropy.
        tet_weight: λ of tet, the weight of its mean squared error to 1.
        optimizer: "adamw" or "sgd", with `lr`, `weight_decay`, and `momentum` for sgd.
        schedule: of the learning rate, stepped per batch: "cosine" to 0, "one-cycle" with `lr` as its
            peak, or "constant".
        clip: largest norm of the gradient; 0 for no limit.
        precision: of synaptic layers under autocast; neurons always compute in float32.
        deterministic: refuse operations whose result may vary between runs.
        lambda_share: share of the epochs over which λ of a masked PSN rises from 0 to 1.
        eval_samples: passes over which the logits of a stochastic neuron are averaged in evaluation.
        time: "kept"; "shuffled" gives the steps of each sample in an order of its own; "detached" lets no
            gradient pass from a step to another.
        neuron: parameters given to every neuron that has them, unless its own text sets them: for example
            threshold = 0.3 or init = "leak".
    """

    epochs: Epochs = 20
    batch: Annotated[int, Meta(ge=1, le=MOST_SAMPLES)] = 64
    loss: Literal["cross-entropy", "mse", "tet"] = "cross-entropy"
    label_smoothing: _BelowOne = 0.1
    tet_weight: _Share = 0.05
    optimizer: Literal["adamw", "sgd"] = "adamw"
    lr: Lr = 5e-3
    weight_decay: Annotated[float, Meta(ge=0.0, le=10.0)] = 0.01
    momentum: Annotated[float, Meta(ge=0.0, le=0.9999)] = 0.9
    schedule: Literal["cosine", "one-cycle", "constant"] = "one-cycle"
    clip: Annotated[float, Meta(ge=0.0, le=1e9)] = 1.0
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    deterministic: bool = False
    lambda_share: _Share = 0.5
    eval_samples: Annotated[int, Meta(ge=1, le=1000)] = 8
    augment: Augment = Augment()
    time: Literal["kept", "shuffled", "detached"] = "kept"
    neuron: Mapping[str, Value] = msgspec.field(default_factory=dict)

    def canonical(self) -> dict[str, Any]:
        """Fields and values as in the record."""
        found = {
            **structs.asdict(self), "augment": structs.asdict(self.augment), "neuron": dict(self.neuron),
        }  # fmt: skip
        if self.time == "kept":
            del found["time"]  # so that checkpoints and records from before it have the same key
        return found


class Task(msgspec.Struct, frozen=True):
    """What is trained, and how; with a neuron and a seed it is a training.

    Attributes:
        model, data: texts as the command line takes them; without data, those that the network is meant for.
        T: time steps; None takes the network's.
    """

    model: str = "mlp"
    data: str | None = None
    T: int | None = None
    recipe: Recipe = Recipe()
