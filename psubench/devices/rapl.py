"""RAPL, the energy counters of x86 processors, as Linux's powercap shows them under /sys.

The counters of AMD processors are in the same place. A zone `intel-rapl:0` is a package; zones inside it are
parts of it (`core`, `uncore`) or its memory (`dram`).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from psubench.devices.energy_counter import Absence, Counter, Reading

SOURCE = "rapl"
FOLDER = "sys/class/powercap"
MICROJOULE = 1e-6


def find(root: Path) -> tuple[list[Counter], list[Absence]]:
    """The counters whose sum is what processors and memory use, and why others are missing.

    Packages and memory only: `core` and `uncore` are parts of their package, `psys` includes the packages,
    and `intel-rapl-mmio` is a second interface to `intel-rapl`. None of them is counted twice.

    Args:
        root: folder that contains `sys`.
    """
    folder = root / FOLDER
    # The control type that every processor has comes first; a later zone of the same name is a duplicate.
    zones = sorted(folder.glob("intel-rapl*:*"), key=lambda zone: (_type(zone) != "intel-rapl", zone.name))
    counters: dict[str, Counter] = {}
    absent: dict[str, Absence] = {}
    for zone in zones:
        name = _name(zone)
        if name is None or name in counters:
            continue
        counter = Counter(SOURCE, name, MICROJOULE, _range(zone), partial(_read, zone / "energy_uj"))
        reading = counter.read()
        if reading.value is None:
            absent[name] = Absence(SOURCE, f"{name}: {reading.reason}", _remedy(reading.reason or ""))
        else:
            counters[name] = counter
    missing = [absence for name, absence in absent.items() if name not in counters]
    return list(counters.values()), missing or ([] if counters else [_none(folder, zones)])


def _type(zone: Path) -> str:
    return zone.name.partition(":")[0]


def _name(zone: Path) -> str | None:
    """`package-0`, `package-0/dram`; None for a zone that is part of others or contains others."""
    name = _text(zone / "name") or ""
    if name.startswith("package-"):
        return name
    if name == "dram":
        parent = _text(zone.with_name(zone.name.rpartition(":")[0]) / "name")
        return f"{parent}/dram" if parent else "dram"
    return None


def _none(folder: Path, zones: list[Path]) -> Absence:
    if not folder.is_dir():
        reason = f"there is no {folder}: a virtual machine, or a kernel without powercap"
        remedy = "measure energy on the machine itself, not in a virtual machine"
    elif zones:
        # Docker hides them behind an empty folder since CVE-2020-8694.
        reason = f"no zone in {folder} is a package: a container hides them"
        remedy = "mount the host's /sys, for example as /host/sys, and set PSUBENCH_HOST_ROOT=/host"
    else:
        reason = f"{folder} has no RAPL zone"
        remedy = "load its driver: sudo modprobe intel_rapl_msr (AMD's too)"
    return Absence(SOURCE, reason, remedy)


def _remedy(reason: str) -> str:
    if reason.endswith("Permission denied"):  # since CVE-2020-8694 only root may read them
        return "allow it until the next start: sudo chmod a+r /sys/class/powercap/*/energy_uj"
    return "see the kernel's messages: dmesg | grep -i rapl"


def _range(zone: Path) -> int | None:
    text = _text(zone / "max_energy_range_uj") or ""
    return int(text) if text.isdecimal() else None


def _read(file: Path) -> Reading:
    try:
        text = file.read_text(errors="replace").strip()
    except OSError as error:
        return Reading(None, f"{file}: {error.strerror}")
    if not text.isdecimal():
        return Reading(None, f'{file} holds "{text[:20]}", which is not a number')
    return Reading(int(text), None)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return None
