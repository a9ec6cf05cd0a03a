"""Everything global in a process that a contestant could set: how it is read, and how it is put back."""

from __future__ import annotations

import gc
import os
import random
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """Something global with a value.

    Attributes:
        name: as an error says it.
        write: puts a value back; None where nothing does.
        timed: whether it changes what a window measures or computes.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None
    timed: bool


_LIMITS = {name: number for name, number in vars(resource).items() if name.startswith("RLIMIT_")}


def _write_limit(number: int, before: tuple[int, int]) -> None:
    with suppress(ValueError, OSError):  # the hard limit was lowered, and only root may raise it
        resource.setrlimit(number, before)


def _write_environment(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


def _handlers() -> list[Any]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


def _write_handlers(before: list[Any]) -> None:
    for number, handler in zip(sorted(signal.valid_signals()), before, strict=True):
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _timers() -> list[float]:
    return [signal.getitimer(which)[0] and 1.0 for which in (signal.ITIMER_REAL, signal.ITIMER_PROF)]


def _stop_timers(_: object) -> None:
    for which in (signal.ITIMER_REAL, signal.ITIMER_PROF):
        signal.setitimer(which, 0)


def _collector() -> tuple[Any, list[Any]]:
    # Not whether it is on: it is off while time is taken.
    return gc.get_threshold(), list(gc.callbacks)


def _write_collector(before: tuple[Any, list[Any]]) -> None:
    gc.set_threshold(*before[0])
    gc.callbacks[:] = before[1]


def _umask() -> int:
    os.umask(before := os.umask(0))
    return before


def _write_filters(before: list[Any]) -> None:
    warnings.resetwarnings()
    warnings.filters.extend(before)  # type: ignore[attr-defined]  # a list, whatever typeshed says


def python_settings() -> list[Setting]:
    """Of the system and of the interpreter."""
    settings = [
        Setting("the environment", lambda: dict(os.environ), _write_environment, False),
        Setting("the current folder", os.getcwd, os.chdir, False),
        Setting("signal handlers", _handlers, _write_handlers, False),
        Setting("interval timers", _timers, _stop_timers, False),
        Setting("the umask", _umask, os.umask, False),
        Setting("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, False),
        Setting("sys.path", lambda: list(sys.path), lambda v: sys.path.__setitem__(slice(None), v), False),
        Setting(
            "warning filters", lambda: list(warnings.filters), _write_filters, False,
        ),
        Setting("sys.settrace", sys.gettrace, sys.settrace, True),
        Setting("sys.setprofile", sys.getprofile, sys.setprofile, True),
        Setting("the switch interval", sys.getswitchinterval, sys.setswitchinterval, True),
        Setting("the garbage collector", _collector, _write_collector, True),
        Setting("Python's random numbers", random.getstate, random.setstate, False),
        *(
            Setting(name, partial(resource.getrlimit, number), partial(_write_limit, number), False)
            for name, number in _LIMITS.items()
        ),
    ]  # fmt: skip
    if hasattr(os, "sched_getaffinity"):
        settings.append(
            Setting(
                "the processors it may use", lambda: os.sched_getaffinity(0),
                lambda v: os.sched_setaffinity(0, v), True,
            )
        )  # fmt: skip
    settings.append(Setting("the priority", lambda: os.getpriority(os.PRIO_PROCESS, 0), None, True))
    return settings


def _deterministic() -> tuple[bool, bool]:
    import torch

    warn = torch.is_deterministic_algorithms_warn_only_enabled()
    return torch.are_deterministic_algorithms_enabled(), warn


def torch_settings() -> list[Setting]:
    """Of torch, which is imported here."""
    import torch
    from torch import _C

    def autocast() -> list[tuple[bool, torch.dtype]]:
        return [(torch.is_autocast_enabled(d), torch.get_autocast_dtype(d)) for d in ("cpu", "cuda")]

    def write_autocast(before: list[tuple[bool, torch.dtype]]) -> None:
        for device, (enabled, dtype) in zip(("cpu", "cuda"), before, strict=True):
            torch.set_autocast_enabled(device, enabled)
            torch.set_autocast_dtype(device, dtype)

    tiny = torch.tensor(1e-40)
    return [
        _products(),  # first: while it differs, torch cannot say what its own precision of products is
        *_autograd_settings(),
        Setting("the number of threads of torch", torch.get_num_threads, torch.set_num_threads, True),
        Setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype, True),
        Setting("the default device", torch.get_default_device, None, True),
        Setting("the grad mode", torch.is_grad_enabled, torch.set_grad_enabled, True),
        Setting("the inference mode", torch.is_inference_mode_enabled, None, True),
        Setting("autocast", autocast, write_autocast, True),
        Setting(
            "deterministic algorithms", _deterministic,
            lambda v: torch.use_deterministic_algorithms(v[0], warn_only=v[1]), True,
        ),
        Setting(
            "the precision of products", torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision, True,
        ),
        Setting(
            "denormal numbers", lambda: bool((tiny * 1.0 == 0).item()), torch.set_flush_denormal, True
        ),
        Setting("global hooks of modules", _hooks, _write_hooks, True),
        Setting("modes of torch functions", _C._len_torch_function_stack, None, True),
        Setting("modes of torch dispatch", _C._len_torch_dispatch_stack, None, True),
        Setting("kernels of torch operators", _own_kernels, None, True),
        *_backend_settings(),
    ]  # fmt: skip


def _products() -> Setting:
    from torch.backends import mkldnn

    products: Any = mkldnn.matmul  # type: ignore[attr-defined]
    return Setting(
        "the precision of mkldnn's products", lambda: products.fp32_precision,
        lambda v: setattr(products, "fp32_precision", v), True,
    )  # fmt: skip


def _autograd_settings() -> list[Setting]:
    import numpy as np
    import torch
    from torch._C import _autograd

    hooks = partial(_autograd._top_saved_tensors_default_hooks, True)
    return [
        Setting("anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, True),
        Setting("hooks of saved tensors", hooks, None, True),
        Setting("the profiler", _autograd._profiler_enabled, None, True),
        Setting("numpy's errors", np.geterr, lambda v: np.seterr(**v), False),
    ]


def _backend_settings() -> list[Setting]:
    from torch.backends import cuda, cudnn, mkldnn

    def flag(name: str, where: Any, attribute: str) -> Setting:
        return Setting(
            name, lambda: getattr(where, attribute), lambda v: setattr(where, attribute, v), True
        )  # fmt: skip

    return [
        flag("mkldnn", mkldnn, "enabled"),
        flag("cudnn", cudnn, "enabled"),
        flag("cudnn.benchmark", cudnn, "benchmark"),
        flag("cudnn.deterministic", cudnn, "deterministic"),
        flag("TF32 in cudnn", cudnn, "allow_tf32"),
        flag("TF32 in products", cuda.matmul, "allow_tf32"),
    ]


def _hook_tables() -> list[Any]:
    from torch.nn.modules import module

    return [
        t for name, t in sorted(vars(module).items()) if name.startswith("_global_") and hasattr(t, "keys")
    ]


def _hooks() -> list[dict[Any, Any]]:
    return [dict(table) for table in _hook_tables()]


def _write_hooks(before: list[dict[Any, Any]]) -> None:
    for table, entries in zip(_hook_tables(), before, strict=True):
        table.clear()
        table.update(entries)


def _own_kernels() -> frozenset[str]:
    """Kernels that Python has registered for torch's own operators, shape functions aside."""
    from torch import library

    return _of_aten(len(library._impls))


@lru_cache(maxsize=4)  # the names are many, and their number tells whether one was added
def _of_aten(_: int) -> frozenset[str]:
    from torch import library

    return frozenset(k for k in library._impls if k.startswith("aten/") and not k.endswith("/Meta"))
