"""Which devices this machine has, and why others are missing. Needs no torch."""

from __future__ import annotations

import ast
import importlib.util
import os
from pathlib import Path
from typing import NamedTuple

from psubench.devices import host
from psubench.devices.nvml import Gpu, Nvml
from psubench.errors import PsubenchError, nearest


class DeviceInfo(NamedTuple):
    """One line of `psubench list devices`."""

    name: str
    usable: bool
    about: str


class _Search(NamedTuple):
    """The GPUs that CUDA would number 0, 1, ..., or why there are none and what to do about it."""

    gpus: list[Gpu]
    problem: str
    remedy: str


def available() -> list[DeviceInfo]:
    """Every device of this machine; if no GPU is usable, one entry `cuda` gives the reason."""
    search = _search()
    gpus = [
        DeviceInfo(f"cuda:{index}", True, f"{gpu.name() or 'unknown GPU'}, {gpu.uuid()}")
        for index, gpu in enumerate(search.gpus)
    ]
    return [
        DeviceInfo("cpu", True, host.cpu_model() or "unknown processor"),
        *(gpus or [DeviceInfo("cuda", False, f"{search.problem}; {search.remedy}")]),
        DeviceInfo("scripted", True, "a fake clock for tests and dry runs: no measurement"),
    ]


def resolve(text: str | None) -> str:
    """The name of a device that is present: `cpu`, `cuda:INDEX` or `scripted`.

    Args:
        text: what the user wrote; `cuda` is `cuda:0`, None the fastest present.

    Raises:
        PsubenchError: no such device, or a GPU that cannot be used.
    """
    if text is None:
        return "cuda:0" if _search().gpus else "cpu"
    if text in ("cpu", "scripted"):
        return text
    kind, _, number = text.partition(":")
    if kind != "cuda" or not (text == "cuda" or number.isdecimal()):
        raise PsubenchError(
            f'device "{text}" does not exist', nearest(text, ("cpu", "cuda", "cuda:0", "scripted"))
        )
    search = _search()
    if not search.gpus:
        raise PsubenchError(f'device "{text}" cannot be used: {search.problem}', search.remedy)
    index = int(number or 0)
    if index >= len(search.gpus):
        usable = ", ".join(f"cuda:{i}" for i in range(len(search.gpus)))
        raise PsubenchError(f'device "{text}" does not exist', f"this machine has {usable}")
    return f"cuda:{index}"


def identity(name: str) -> str:
    """A name for the hardware itself: a GPU has one UUID, but another index in another CUDA_VISIBLE_DEVICES.

    Args:
        name: as `resolve` gives it.
    """
    if not name.startswith("cuda:"):
        return name
    gpus, index = _search().gpus, int(name.removeprefix("cuda:"))
    return (gpus[index].uuid() if index < len(gpus) else None) or name


def _search() -> _Search:
    version, cuda = torch_build()
    if version is None:
        return _Search([], "torch is not installed", "install torch, built with CUDA")
    if cuda is None:
        return _Search(
            [],
            f"torch {version} was built without CUDA",
            "install a CUDA build of torch (https://pytorch.org) or use --device cpu",
        )
    nvml = Nvml()
    if nvml.reason:
        return _Search(
            [],
            f"no NVIDIA driver answers ({nvml.reason})",
            "install or start the NVIDIA driver, or use --device cpu",
        )
    setting = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = _visible(nvml, setting)
    if setting is not None and nvml.gpus():
        problem, remedy = f'CUDA_VISIBLE_DEVICES="{setting}" hides every GPU', "change or unset it"
    else:
        problem, remedy = "the NVIDIA driver finds no GPU", "use --device cpu"
    return _Search(gpus, problem, remedy)


def torch_build() -> tuple[str | None, str | None]:
    """Version of the installed torch and of the CUDA that it was built with; read, not imported."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None, None
    constants: dict[str, object] = {}
    for statement in ast.parse(Path(found.origin).with_name("version.py").read_text()).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant):
            constants |= {target.id: value.value for target in targets if isinstance(target, ast.Name)}
    version, cuda = constants.get("__version__"), constants.get("cuda")
    return str(version), None if cuda is None else str(cuda)


def _visible(nvml: Nvml, setting: str | None) -> list[Gpu]:
    """The GPUs in CUDA's order. Its rules: the first entry that does not name a GPU ends the list,
    and a duplicate entry empties it."""
    gpus = nvml.gpus()
    if setting is None:
        return gpus
    chosen: list[Gpu] = []
    for entry in (entry.strip() for entry in setting.split(",")):
        gpu = _named(nvml, gpus, entry)
        if gpu is None:
            break
        if gpu in chosen:
            return []
        chosen.append(gpu)
    return chosen


def _named(nvml: Nvml, gpus: list[Gpu], entry: str) -> Gpu | None:
    """By index or by UUID, which may be shortened to an unambiguous prefix."""
    if entry.isdecimal():
        return gpus[int(entry)] if int(entry) < len(gpus) else None
    if entry.startswith("MIG-"):
        return nvml.gpu(entry)
    alike = [gpu for gpu in gpus if entry.startswith("GPU-") and (gpu.uuid() or "").startswith(entry)]
    return alike[0] if len(alike) == 1 else None
