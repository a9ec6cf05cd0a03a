"""Folders as Linux shows them."""

RANGE = 262_143_328_850
"""Where a counter of energy begins again, in microjoule."""


def zones(root, **files):
    """A powercap folder; `n0_2=("dram", 7)` is the zone intel-rapl:0:2."""
    folder = root / "sys/class/powercap"
    folder.mkdir(parents=True)
    for key, (name, count) in files.items():
        kind, _, numbers = key.replace("mmio", "intel-rapl-mmio").replace("n", "intel-rapl", 1).partition("_")
        if key.startswith("mmio"):
            kind, _, numbers = "intel-rapl-mmio", "", key.removeprefix("mmio_")
        zone = folder / f"{kind}:{numbers.replace('_', ':')}"
        zone.mkdir()
        (zone / "name").write_text(f"{name}\n")
        (zone / "energy_uj").write_text(f"{count}\n")
        (zone / "max_energy_range_uj").write_text(f"{RANGE}\n")
    return root


def tree(root, files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root
