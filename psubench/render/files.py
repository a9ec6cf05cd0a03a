"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from psubench.errors import PsubenchError


def write_text(text: str, path: Path) -> None:
    """Writes a file, in UTF-8, that is whole or not there."""
    # Names of files may hold bytes that are not text: an escape stands for each.
    write_bytes(text.encode(errors="backslashreplace"), path)


def write_bytes(data: bytes, path: Path) -> None:
    """Writes a file that is whole or not there; what stood there before stays until then.

    A link in its place is replaced, and what it leads to is left alone. What is not a file, such as
    `/dev/stdout`, is written to.

    Raises:
        PsubenchError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            _replace(data, path)
    except OSError as error:
        raise PsubenchError(
            f"cannot write {path}: {error.strerror}", "give another place with --out"
        ) from None


def _replace(data: bytes, path: Path) -> None:
    # Under a name that nobody can have guessed: a link that lies there already would be written through.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    unfinished = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            os.fchmod(descriptor, 0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
