"""Shared libraries of this process that no version number names: a plug-in's C++, the fused neurons."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from psubench.measure.work.values import is_own

_SYSTEM = ("/usr/", "/lib", "/opt/", sys.prefix, sys.base_prefix)


def digest() -> tuple[str, list[str]]:
    """A hash of their contents, and those that were replaced after they had been loaded, in words."""
    found, replaced = set(), []
    for path, inode in sorted(_mapped()):
        if not is_own(path) or path.startswith(_SYSTEM):
            continue
        try:
            changed = os.stat(path).st_ino != inode
            found.add(hashlib.sha256(Path(path).read_bytes()).hexdigest())
        except OSError:
            changed = True
        if changed:
            replaced.append(f"{Path(path).name} was replaced while it was used")
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest(), replaced


def _mapped() -> set[tuple[str, int]]:
    """Path and inode of every library."""
    fields = (line.split(maxsplit=5) for line in Path("/proc/self/maps").read_text().splitlines())
    return {
        (one[5].removesuffix(" (deleted)"), int(one[4]))
        for one in fields
        if len(one) == 6 and ".so" in Path(one[5]).name
    }
