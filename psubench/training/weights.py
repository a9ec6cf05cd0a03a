"""Trained weights: written as a safetensors file, and loaded from it or from a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from psubench import __version__
from psubench.data import DataRef
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.models import ModelRef
from psubench.neurons import NeuronRef
from psubench.training import checkpoint, foreign_weights
from psubench.training.case import Training


@dataclass(frozen=True)
class Weights:
    """The trained weights of a network.

    Attributes:
        state: of the network's `state_dict`.
        case: of the training, as records hold it; None where something else than psubench has written them.
        epoch: how many epochs it had.
        path: their file; None if they were trained within the command.
    """

    state: Mapping[str, Tensor]
    case: Mapping[str, Any] | None
    epoch: int
    path: Path | None

    @property
    def origin(self) -> str:
        """The origin of the weights, in words: for records, tables and figures."""
        case = self.case
        if case is None:
            return f"from {self.path.name if self.path else 'elsewhere'}, trained elsewhere"
        epochs = case["recipe"]["epochs"]
        return f"trained {self.epoch} of {epochs} epochs on {case['data']}, seed {case['seed']}"

    def into(self, module: nn.Module) -> None:
        """Loads them into a network built for the same model, neuron and T.

        Raises:
            PsubenchError: names or shapes differ.
        """
        try:
            put(module, self.state if self.case is not None else foreign_weights.fitting(self.state, module))
        except RuntimeError as error:
            where = self.path or "the weights"
            first = " ".join(str(error).split(":", 1)[-1].split()).split(". ")[0]
            raise PsubenchError(
                f"{where} does not fit this network: {first}", "build the network that was trained"
            ) from None


def put(module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Loads a `state_dict` into a network.

    A buffer of a neuron, such as a membrane potential, has the shape of the last batch and is loaded as it
    is. The buffers of torch's own layers are statistics, whose shape must be the network's.

    Raises:
        RuntimeError: names or shapes differ.
    """
    for prefix, inner in module.named_modules():
        if type(inner).__module__.startswith("torch.nn."):
            continue
        for name, own in inner._buffers.items():
            saved = state.get(f"{prefix}.{name}" if prefix else name)
            if not isinstance(saved, Tensor) or (own is not None and is_lazy(own)):
                continue
            if own is None or own.shape != saved.shape or own.is_inference():
                setattr(inner, name, saved.clone() if own is None else saved.to(own, copy=True))
    module.load_state_dict(dict(state))


def export(path: Path, module: nn.Module, case: Training, epoch: int) -> None:
    """Writes the weights of a network, and the training that made them, as safetensors.

    Every name gets its own values, even if layers share a parameter, so that a reader of the file need not
    know about it.

    Raises:
        PsubenchError: the file cannot be written, or the network's state contains something that is not a
            tensor.
    """
    from safetensors.torch import save_file

    own = module.state_dict()
    for name, value in own.items():
        if not isinstance(value, Tensor):
            what = (
                f"cannot write {path}: {name} is a {type(value).__name__}, and safetensors holds only tensors"
            )
            raise PsubenchError(what, "the checkpoint next to it contains everything")
    facts = {
        "psubench": __version__,
        "case": json.dumps(case.canonical(), ensure_ascii=False),
        "epoch": str(epoch),
    }
    state = {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format) for name, value in own.items()
    }
    checkpoint.write_whole(path, lambda unfinished: save_file(state, unfinished, metadata=facts))


def load(path: Path, *, model: ModelRef, neuron: NeuronRef, T: int, data: DataRef | None = None) -> Weights:
    """The weights of a training, for a network of this model, neuron and T.

    Args:
        path: a checkpoint, a weights.safetensors, or a folder: of one training or of a whole run, in which
            the training of this network with the lowest seed is looked up.
        data: the data set that they must have been trained on; None for any.

    Raises:
        PsubenchError: the file is cut off, changed or foreign; or the weights are of another network.
    """
    wanted = {"model": model.name, "neuron": neuron.name, "T": T}
    if data is not None:
        wanted["data"] = data.name
    if path.is_dir():
        return _looked_up(path, wanted)
    found = _file(path)
    if found.case is not None:
        check_case(found.case, wanted, path)
    return found


def check_case(case: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """Raises PsubenchError for the first value in which a training differs from the wanted one."""
    for name, value in wanted.items():
        if case.get(name) != value:
            raise PsubenchError(
                f"{path} was trained with {name} {_short(case.get(name))}, not with {_short(value)}",
                "give the checkpoint of this network, or the folder of the run that trained it",
                NOT_COMPARABLE,
            )


def _short(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _looked_up(folder: Path, wanted: Mapping[str, Any]) -> Weights:
    """The matching training of lowest seed among those whose checkpoints lie in or below a folder."""
    files: dict[Path, Path] = {}
    for path in sorted([*folder.rglob("epoch-*.pt"), *folder.rglob(checkpoint.WEIGHTS)]):
        files[path.parent] = path  # the newest checkpoint, or the weights, whose name sorts last
    if not files:
        raise PsubenchError(f"there is no checkpoint in {folder}", "train into it with psubench train --out")
    found = [(w, w.case) for w in map(_file, files.values()) if w.case is not None]
    matching = [(w, case) for w, case in found if all(case.get(n) == value for n, value in wanted.items())]
    if not matching:
        asked = ", ".join(f"{name} {value}" for name, value in wanted.items())
        there = dict.fromkeys(f"{case['neuron']} T={case['T']} on {case['data']}" for _, case in found)
        raise PsubenchError(
            f"no training in {folder} is of {asked}", f"there are: {'; '.join(there)}", NOT_COMPARABLE
        )
    return min(matching, key=lambda one: one[1]["seed"])[0]


def _file(path: Path) -> Weights:
    if path.suffix != ".safetensors":
        read = checkpoint.read(path)
        if not checkpoint.is_own(read):
            return Weights(foreign_weights.state_of(read, path), None, 0, path)
        state = checkpoint.checked(read, path)
        return Weights(state["model"], _known(state["case"], path), state["epoch"], path)
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            weights: dict[str, torch.Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise PsubenchError(f"there are no weights {path}", "check the path") from None
    except (SafetensorError, OSError) as error:
        what = f"{path} is cut off, or is not a safetensors file: {error}"
        raise PsubenchError(what, "train again, or give a checkpoint", NOT_COMPARABLE) from None
    if "psubench" not in facts:
        return Weights(foreign_weights.state_of(weights, path), None, 0, path)
    try:
        case, epoch = json.loads(facts["case"]), int(facts["epoch"])
    except (KeyError, ValueError, RecursionError):
        case, epoch = None, 0
    return Weights(weights, _known(case, path), epoch, path)


def _known(case: Any, path: Path) -> Mapping[str, Any]:
    """The case of the network that the weights belong to."""
    needed = {"model", "neuron", "T", "data", "seed", "recipe"}
    if not isinstance(case, dict) or not case.keys() >= needed or not isinstance(case["recipe"], dict):
        what = f"{path} does not say what it was trained as"
        raise PsubenchError(what, "give weights that psubench has written", NOT_COMPARABLE)
    return case
