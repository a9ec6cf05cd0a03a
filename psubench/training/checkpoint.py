"""Checkpoints: files from which a training continues as if it had not been interrupted.

A file is written under another name, synced, and renamed: under its own name it is complete. The two
newest of a training are kept, so that one damaged file does not lose the training. They are loaded without
running any code that a file may contain, and only if every checksum in them is right.
"""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from psubench import plugins
from psubench.errors import NOT_COMPARABLE, PsubenchError, one_line

FORMAT = 1
KEPT = 2
WEIGHTS = "weights.safetensors"
_PARTS = ("format", "case", "epoch", "model", "optimizer", "schedule", "scaler", "random")


class DamagedError(PsubenchError):
    """A checkpoint is cut off, changed, or not a checkpoint at all."""


def name_of(epoch: int) -> str:
    """File name of the checkpoint after `epoch` epochs."""
    return f"epoch-{epoch:05}.pt"


def saved(folder: Path) -> list[Path]:
    """The checkpoints in a folder, newest first."""
    return sorted(folder.glob("epoch-*.pt"), reverse=True)


def save(folder: Path, state: Mapping[str, Any]) -> Path:
    """Writes a checkpoint, and removes those before the last two.

    Args:
        state: `case`, `epoch`, and the states of `model`, `optimizer`, `schedule`, `scaler`, `random`.

    Raises:
        PsubenchError: it cannot be written; earlier ones are kept.
    """
    path = folder / name_of(state["epoch"])
    write_whole(path, lambda unfinished: torch.save({"format": FORMAT, **state}, unfinished))
    for old in saved(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Lets `write` fill a file, syncs it, and gives it its name: it is complete or does not exist.

    Raises:
        PsubenchError: the disk is full, or the folder cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        _sync(unfinished)
        unfinished.replace(path)
        _sync(path.parent)
    except Exception as error:  # torch and safetensors raise errors of their own, also for a full disk
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        why = getattr(error, "strerror", None) or plugins.one_line(error)
        raise PsubenchError(
            f"cannot write {path}: {why:.500}",
            "what was saved before is kept; correct the cause and continue with --resume",
        ) from None


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def load(path: Path) -> dict[str, Any]:
    """A checkpoint, on the CPU.

    Raises:
        DamagedError: the file is cut off or changed, or holds code, or is not psubench's.
        PsubenchError: it is not there, or of another format.
    """
    return checked(read(path), path)


def is_own(state: Any) -> bool:
    """Whether psubench has written it, as far as its parts tell."""
    return isinstance(state, dict) and "format" in state and "case" in state


def read(path: Path) -> Any:
    """What a file of torch holds, tensors on the processor; code is not run.

    Raises:
        DamagedError: the file is cut off or changed, or holds code.
        PsubenchError: it is not there.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
        if bad is None:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise PsubenchError(f"there is no checkpoint {path}", "check the path") from None
    except (zipfile.BadZipFile, EOFError):
        raise _damaged(path, "is cut off, or is not a checkpoint") from None
    except pickle.UnpicklingError:
        raise _damaged(path, "contains something other than numbers, which is not loaded") from None
    except Exception as error:  # of the system, or of a broken file, which may raise anything
        if isinstance(error, OSError) and error.errno is not None:
            raise PsubenchError(f"cannot read {path}: {error.strerror}", "check the path") from None
        raise _damaged(path, one_line(f"cannot be read: {plugins.one_line(error):.300}")) from None
    if bad is not None:
        raise _damaged(path, f"was changed after it was written: {bad}")
    return state


def checked(state: Any, path: Path) -> dict[str, Any]:
    """A checkpoint of this version.

    Raises:
        DamagedError: it is none.
        PsubenchError: it is of another format.
    """
    if not isinstance(state, dict) or not state.keys() >= set(_PARTS) or not _right(state):
        raise _damaged(path, "is not a checkpoint of psubench")
    if state["format"] != FORMAT:
        raise PsubenchError(
            f"{path} has format {state['format']!r}, this psubench reads {FORMAT}",
            "load it with the version that wrote it",
            NOT_COMPARABLE,
        )
    return state


def _right(state: Mapping[str, Any]) -> bool:
    """Whether the parts that are read before a network loads them are valid."""
    case, random = state["case"], state["random"]
    return (
        isinstance(state["model"], dict)
        and isinstance(case, dict)
        and isinstance(case.get("recipe"), dict)
        and isinstance(state["epoch"], int)
        and isinstance(random, list)
        and all(isinstance(one, dict) for one in random)
    )


def _damaged(path: Path, what: str) -> DamagedError:
    before = [other for other in saved(path.parent) if other.name < path.name]
    remedy = f"the previous one is {before[0]}" if before else "there is no previous one; train again"
    return DamagedError(f"checkpoint {path} {what}", remedy, NOT_COMPARABLE)


def newest(folder: Path, on_damage: Callable[[str], None]) -> dict[str, Any] | None:
    """The newest valid checkpoint of a folder; None if there is none.

    Args:
        on_damage: called with a sentence for each that is not valid.
    """
    for path in saved(folder):
        try:
            return load(path)
        except DamagedError as error:
            on_damage(str(error))
    return None
