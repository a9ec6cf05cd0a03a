"""The cache folder: where files are that are not shipped, and what to do if some are missing."""

from __future__ import annotations

import os
from pathlib import Path

from psubench.data.spec import DataSpec
from psubench.data.table import TABLE
from psubench.errors import PsubenchError

VARIABLE = "PSUBENCH_DATA"


def root() -> Path:
    """$PSUBENCH_DATA, or the user's cache folder of psubench."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("psubench")


def folder(spec: DataSpec) -> Path:
    """The folder for the files of a data set, whether or not it exists."""
    assert spec.folder is not None
    return root() / spec.folder


def missing(spec: DataSpec) -> list[str]:
    """The files of a data set that are missing in the cache."""
    return [name for name in spec.files if not (folder(spec) / name).exists()]


def require(name: str) -> Path:
    """The folder of a data set, with all its files in it.

    Raises:
        PsubenchError: some are missing; the message says which file belongs where.
    """
    spec = TABLE[name]
    lacking = missing(spec)
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise PsubenchError(f'data set "{name}": there is no {folder(spec) / lacking[0]}{more}', remedy(spec))
    return folder(spec)


def remedy(spec: DataSpec) -> str:
    """What the user whose files are missing can do."""
    where = f"set {VARIABLE} to the folder that holds {spec.folder}/"
    if spec.downloads:
        return f"psubench data get {spec.folder}, put it there yourself, or {where}"
    return f"{spec.obtain} into {folder(spec)}, or {where}"


def broken(path: Path, found: str, expected: str) -> PsubenchError:
    """The error for a file that is not what it should be."""
    return PsubenchError(f"{path}: {found}", f"expected {expected}; get the file again")
