"""Facts about the machine, without torch. What the system does not tell is None."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path("/")
MEMORY_SHARE = 0.8  # what a worker may take, so that the system and the parent live on
CPUS = "sys/devices/system/cpu"


def machine(root: Path = ROOT) -> dict[str, Any]:
    """What must be equal for two runs to have been made in the same place. Nothing in it changes by itself.

    Args:
        root: folder under which `proc` and `sys` lie.
    """
    return {
        "os": platform.system(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu": cpu_model(root),
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
    """Bytes that a line of this process's status tells, such as `VmRSS` and `VmHWM`."""
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
    # Only x86 has the flag; elsewhere there is a `Features` line, which does not tell.
    flags = _cpuinfo(root, "flags")
    return None if flags is None else "hypervisor" in flags.split()


def _huge_pages(root: Path) -> str | None:
    """The bracketed word of `always [madvise] never`."""
    text = _read(root / "sys/kernel/mm/transparent_hugepage/enabled") or ""
    return text.partition("[")[2].partition("]")[0] or None


def _cgroup_limits(root: Path) -> list[int]:
    """Memory limits of this process's cgroup and all above it, in bytes; of both cgroup versions."""
    limits = []
    for line in (_read(root / "proc/self/cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the path may name folders that only the host sees; the top is there in any case.
        folder = top / path.lstrip("/")
        texts = [_read(above / name) for above in (folder, *folder.parents) if above.is_relative_to(top)]
        limits += [int(text) for text in texts if text and text.isdigit()]
    return limits


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
