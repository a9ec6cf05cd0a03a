"""From the words of the command line, or of a suite, to the blocks of a run. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from psubench import data, models
from psubench.errors import PsubenchError
from psubench.neurons import parse, parse_list
from psubench.suite import DTYPES, MODES, PHASES, Block, blocks, choice, choices, parse_range

SPEED: Mapping[str, str | None] = MappingProxyType(
    {
        "neurons": "lif,psn,psu,ipsu,rpsu",
        "reference": "lif",
        "model": "neuron",
        "data": None,
        "T": None,
        "batch": None,
        "size": "512",
        "phase": "infer,train",
        "mode": "layer",
        "dtype": "float32",
    }
)
"""What `speed` measures where nothing else is said. None depends on the model, see `speed_blocks`."""
LAYER_T, LAYER_BATCH, LAYER_DATA = "4..128", "32", "spoken-digits"
CPU_BATCH = 8
"""Of a network on a processor, where the batches of the papers would take minutes per call."""


def speed_blocks(
    words: Mapping[str, str | None], device: str, threads: int, prefix: str = "--", kind: str = "speed"
) -> list[Block]:
    """Every combination of the axes as a block, with every name checked.

    Args:
        words: options of `speed` and their texts; what is missing or None is as in `SPEED`. Data, T and
            batch are then those of the model: of a network its own T and data, and on a GPU its own batch.
        device: as `devices.resolve` gives it.
        prefix: of the options' names in errors.
        kind: what is asked of them: "speed" or "energy".

    Raises:
        PsubenchError: a word means nothing, or model, data and mode do not fit together.
    """
    given = {**SPEED, **{name: word for name, word in words.items() if word is not None}}
    name, own_T, own_batch, own_data = _model(str(given["model"]), device)
    sizes: list[int | None] = [None]
    if name == "neuron":
        sizes = [*parse_range(str(given["size"]), f"{prefix}size")]
    data_name = data.parse(given["data"] or own_data).name
    modes = choices(str(given["mode"]), MODES, f"{prefix}mode")
    _check_fit(name, data_name, modes, prefix)
    return blocks(
        parse_list(str(given["neurons"])),
        parse(str(given["reference"])),
        parse_range(given["T"] or own_T, f"{prefix}T"),
        parse_range(given["batch"] or own_batch, f"{prefix}batch"),
        sizes,
        choices(str(given["phase"]), PHASES, f"{prefix}phase"),
        modes,
        kind=kind,
        model=name,
        data=data_name,
        device=device,
        dtype=choice(str(given["dtype"]), DTYPES, f"{prefix}dtype"),
        threads=threads,
    )


def _model(text: str, device: str) -> tuple[str, str, str, str]:
    """Name of a model, and the T, batch and data that it has where none is given."""
    if text.strip() == "neuron":
        return "neuron", LAYER_T, LAYER_BATCH, LAYER_DATA
    ref = models.parse(text)
    if ref.is_plugin:
        return ref.name, "10", str(CPU_BATCH), "normal"
    spec = models.TABLE[ref.kind]
    return ref.name, str(spec.T), str(spec.batch if device.startswith("cuda") else CPU_BATCH), spec.data


def _check_fit(model: str, data_name: str, modes: list[str], prefix: str) -> None:
    if model == "neuron":
        if modes != ["layer"]:
            raise PsubenchError(
                f"{prefix}mode {','.join(modes)} with model neuron: one layer is no network",
                "leave the mode out, or give a network such as shd",
            )
        return
    ref = data.parse(data_name)
    if ref.is_plugin or models.parse(model).is_plugin:
        return  # their code is not run before the run begins
    models.shape_for(models.parse(model), data.TABLE[ref.kind].step, ref.name)
