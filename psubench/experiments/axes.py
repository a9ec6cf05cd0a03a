"""Options that commands share, each declared once: type, range, help, and where it is allowed."""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from psubench.experiments import notations as n
from psubench.experiments.option import Option
from psubench.runs.case import DTYPES, LARGEST_SEED, MODES, PHASES

FIVE = "lif,psn,psu,ipsu,rpsu"
"""The neurons that are compared by default."""
LONGEST_SECONDS = 1e6

Neurons = Annotated[
    str,
    Option(
        "Neurons: name, name@implementation, name(key=value), file.py:Attribute, or all.",
        "LIST",
        n.NEURONS,
        alias="--neuron",
        completes="neurons",
    ),
]
Model = Annotated[
    str,
    Option(
        "neuron (one layer), a network such as vggsnn(width=0.25), or a plug-in.",
        "NAME",
        n.MODEL,
        completes="models",
    ),
]
Network = Annotated[
    str,
    Option("A network such as shd or vggsnn(width=0.25), or a plug-in.", "NAME", n.MODEL, completes="models"),
]
Spiking = Annotated[
    str,
    Option(
        "Names of spiking layers that a plug-in brings along and no known library has made: 'layer*.lif'.",
        "PATTERNS",
    ),
]
Data = Annotated[
    str,
    Option(
        "Data set such as spoken-digits or normal(mu=1), or a plug-in; default: the model's.",
        "NAME",
        n.DATA,
        completes="data",
    ),
]
Ts = Annotated[
    tuple[int, ...],
    Option("Time steps: 4..128 doubles, 4..128+4 adds, 4,10 lists; default: the model's.", "RANGE", n.COUNTS),
]
Batch = Annotated[
    tuple[int, ...],
    Option(
        "Samples per call, a range like --T; default: 32; of a network 8, on a GPU its own.",
        "RANGE",
        n.COUNTS,
    ),
]
Size = Annotated[tuple[int, ...], Option("Neurons of the layer, a range like --T.", "RANGE", n.COUNTS)]
Reference = Annotated[
    str, Option("The neuron that the others are compared with.", "NEURON", n.NEURON, completes="neurons")
]
Device = Annotated[
    str, Option("cpu, cuda, cuda:1 or scripted; default: a GPU if there is one.", "NAME", suite=None)
]
Dtype = Annotated[str, Option("float32, float64 or bfloat16.", "NAME", n.one_of(DTYPES))]
Phase = Annotated[tuple[str, ...], Option("infer, train or both.", "LIST", n.some_of(PHASES))]
Mode = Annotated[
    tuple[str, ...],
    Option(
        "Networks layer by layer (layer) or, with serial neurons, step by step (step).",
        "LIST",
        n.some_of(MODES),
    ),
]
Threads = Annotated[int, Meta(ge=1, le=1024), Option("Processor threads of a worker.", suite="settings")]
Processes = Annotated[
    int,
    Meta(ge=1, le=1000),
    Option("Fresh worker processes per block; intervals are between processes.", suite="settings"),
]
Timeout = Annotated[
    float,
    Meta(ge=0.1, le=LONGEST_SECONDS),
    Option(
        "Longest time that a neuron may take for one step of its check or one batch.",
        "SECONDS",
        suite="settings",
    ),
]
MaxMemory = Annotated[
    int,
    Option(
        "Memory that a worker may allocate, such as 4GiB; default: 80 % of the machine's.",
        "BYTES",
        n.BYTES,
        suite="settings",
    ),
]
Seed = Annotated[
    int, Meta(ge=0, le=LARGEST_SEED), Option("Seed of input, weights and order.", suite="settings")
]


class Axes(msgspec.Struct, frozen=True, kw_only=True):
    """Options that all commands share: neurons, model, data, device."""

    neurons: Neurons = FIVE
    model: Model = "neuron"
    spiking: Spiking | None = None
    data: Data | None = None
    T: Ts | None = None
    batch: Batch | None = None
    device: Device | None = None
    threads: Threads = 1


class Calls(Axes, frozen=True, kw_only=True):
    """Options of the commands that measure calls of a layer or a network.

    Attributes:
        layer_steps: the default time steps of one layer.
    """

    layer_steps: ClassVar[tuple[int, ...]] = (32,)

    size: Size = (512,)
    dtype: Dtype = DTYPES[0]
    phase: Phase = PHASES
    mode: Mode = MODES[:1]
    timeout: Timeout = 120.0
    max_memory: MaxMemory | None = None
    seed: Seed = 0
