"""One run at a time per device, over all processes of the machine: two would measure each other."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psubench.devices.presence import identity
from psubench.errors import PsubenchError

FOLDER = "psubench-locks"
POLL_SECONDS = 0.2


@contextmanager
def device_lock(name: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds the device while inside; waits as long as another process holds it.

    The system frees the lock when its holder dies, however that happens. The scripted device needs none.

    Args:
        name: as `resolve` gives it.
        on_wait: told once, in one sentence, whom this process waits for.

    Raises:
        PsubenchError: the folder of the locks cannot be written.
    """
    if name == "scripted":
        yield
        return
    from filelock import FileLock, Timeout

    path = Path(tempfile.gettempdir(), FOLDER, f"{identity(name)}.lock")
    # The holder's process number stands in the file while it holds the lock.
    lock = FileLock(path, mode=0o666, on_acquired=lambda file: _write(file, f"{os.getpid()}"))
    try:
        _make_folder(path.parent)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            holder = path.read_text() or "unknown"
            on_wait(f"{name} is in use by process {holder}; waiting until it has finished")
            lock.acquire(poll_interval=POLL_SECONDS)
    except OSError as error:
        raise PsubenchError(
            f"cannot lock {name} with {path}: {error.strerror}",
            "make that folder writable or set TMPDIR to one that is",
        ) from None
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            os.truncate(path, 0)
        lock.release()


def _make_folder(folder: Path) -> None:
    """Makes the folder one in which every user of the machine can take a lock."""
    try:
        folder.mkdir()
    except FileExistsError:
        return
    folder.chmod(0o777)  # not by mkdir's mode, which the umask cuts


def _write(file: int, text: str) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, text.encode(), 0)
