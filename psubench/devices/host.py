"""Facts about the machine, without torch. What the system does not report is None."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path("/")
MEMORY_SHARE = 0.8  # what a worker may take, so that the system and the parent process survive
CPUS = "sys/devices/system/cpu"


def machine(root: Path = ROOT) -> dict[str, Any]:
    """What must be equal for two runs to have been made on the same machine. None of it changes on its own.

    Args:
        root: folder that contains `proc` and `sys`.
    """
    return {
        "os": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": cpu_model(root),
        "cpu_capability": cpu_capability(root),
        "physical_cores": _physical_cores(root),
        "logical_cores": len(_usable_cpus()),
        "memory_bytes": memory_bytes(root),
        "governor": governor(root),
        "smt": {"1": True, "0": False}.get(_read(root / CPUS / "smt/active") or ""),
        "virtual": _is_virtual(root),
        "transparent_huge_pages": _huge_pages(root),
        "python": platform.python_version(),
        **{package: _version(package) for package in ("psubench", "torch", "numpy")},
    }


def memory_limit_bytes(root: Path = ROOT) -> int:
    """80 % of what the machine has or the cgroup allows."""
    return int(MEMORY_SHARE * memory_bytes(root))


def memory_bytes(root: Path = ROOT) -> int:
    """Memory of the machine, or the limit of this process's cgroup where that is less."""
    return min([os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_cgroup_limits(root)])


def memory_status(field: str, root: Path = ROOT) -> int | None:
    """Bytes in a line of this process's status, such as `VmRSS` and `VmHWM`."""
    for line in (_read(root / "proc/self/status") or "").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    return None


def cpu_model(root: Path = ROOT) -> str | None:
    """Name of the processor."""
    return _cpuinfo(root, "model name") or platform.processor() or None


def governor(root: Path = ROOT) -> str | None:
    """Frequency governor of the first usable core."""
    return _read(root / CPUS / f"cpu{_usable_cpus()[0]}/cpufreq/scaling_governor")


def frequencies_mhz(root: Path = ROOT) -> tuple[float, float] | None:
    """Lowest and highest current frequency of the usable cores."""
    files = (root / CPUS / f"cpu{cpu}/cpufreq/scaling_cur_freq" for cpu in _usable_cpus())
    kilohertz = [int(text) for text in map(_read, files) if text and text.isdigit()]
    return (min(kilohertz) / 1e3, max(kilohertz) / 1e3) if kilohertz else None


def load_average() -> float | None:
    """Processes that ran or waited, averaged over the last minute."""
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def _usable_cpus() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _physical_cores(root: Path) -> int | None:
    """Usable cores, where two hardware threads of one core count once."""
    files = [root / CPUS / f"cpu{cpu}/topology/thread_siblings_list" for cpu in _usable_cpus()]
    siblings = {_read(file) for file in files}
    return None if None in siblings else len(siblings)


def _cpuinfo(root: Path, field: str) -> str | None:
    for line in (_read(root / "proc/cpuinfo") or "").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip() or None
    return None


def _is_virtual(root: Path) -> bool | None:
    # Only x86 has the flag; elsewhere there is a `Features` line, which does not show it.
    flags = _cpuinfo(root, "flags")
    return None if flags is None else "hypervisor" in flags.split()


def _huge_pages(root: Path) -> str | None:
    """The bracketed word of `always [madvise] never`."""
    text = _read(root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    return text.partition("[")[2].partition("]")[0] or None


def _cgroup_limits(root: Path) -> list[int]:
    """Memory limits of this process's cgroup and all above it, in bytes; of both cgroup versions."""
    texts = [
        _read(folder / ("memory.max" if version == 2 else "memory.limit_in_bytes"))
        for version, folder in cgroups("memory", root)
    ]
    return [int(text) for text in texts if text and text.isdigit()]


def cgroups(controller: str, root: Path = ROOT) -> list[tuple[int, Path]]:
    """Cgroup version and folder of this process's cgroup, and of all above it, that have a controller."""
    found = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        mounts = root / "sys/fs/cgroup"
        if controllers == "":
            version, tops = 2, [mounts]
        elif controller in controllers.split(","):
            # A mount has the names of all its controllers; mostly there is a link with each single one.
            version, tops = 1, list(dict.fromkeys((mounts / controllers, mounts / controller)))
        else:
            continue
        # In a container the path may name folders that only the host sees; the top is there in any case.
        for top in tops:
            folder = top / path.lstrip("/")
            found += [(version, f) for f in (folder, *folder.parents) if f.is_relative_to(top)]
    return found


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores' worth of time that this process's cgroup, or one above it, allows; None without a limit."""
    limits = []
    for version, folder in cgroups("cpu", root):
        if version == 2:
            texts = (_read(folder / "cpu.max") or "").split()
        else:
            texts = [_read(folder / f"cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
        if len(texts) == 2 and all(text.isdecimal() for text in texts) and int(texts[1]):
            limits.append(int(texts[0]) / int(texts[1]))
    return min(limits, default=None)


def cpu_capability(root: Path = ROOT) -> str | None:
    """Instruction sets by which numeric libraries choose their kernels, and the user's settings for them.

    Named as by `torch.backends.cpu.get_cpu_capability`, which it does not call: that would import torch.
    """
    flags = set((_cpuinfo(root, "flags") or _cpuinfo(root, "Features") or "").split())
    known = (name for name, needed in _CAPABILITIES.items() if needed <= flags)
    chosen = [f"{name}={os.environ[name]}" for name in _KERNEL_VARIABLES if os.environ.get(name)]
    return ", ".join([next(known, "DEFAULT"), *chosen]) if flags else ", ".join(chosen) or None


_CAPABILITIES: Mapping[str, frozenset[str]] = {
    "AVX512": frozenset(("avx512f", "avx512vl", "avx512bw", "avx512dq", "avx2", "fma")),
    "AVX2": frozenset(("avx2", "fma")),
    "SVE": frozenset(("sve",)),
    "NEON": frozenset(("asimd",)),
}
_KERNEL_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
)
"""Variables that select other kernels than the processor's default ones: times and last bits differ."""


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
