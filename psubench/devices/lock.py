"""One run at a time per device, over all processes of the machine: two runs would disturb each other."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psubench.devices.discovery import identity
from psubench.errors import PsubenchError

FOLDER = Path("/tmp")  # writable for every user and, unlike TMPDIR, the same for all
VARIABLE = "PSUBENCH_LOCKS"
"""Names another folder for the locks: runs with different folders do not wait for each other."""
POLL_SECONDS = 0.2
_LONGEST = 10  # digits of a process number


@contextmanager
def device_lock(name: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds the device while inside; waits as long as another process holds it.

    The system frees the lock when its holder dies, however that happens. The scripted device needs none.

    Args:
        name: as `resolve` gives it.
        on_wait: called once with a sentence that names the process that holds the device.

    Raises:
        PsubenchError: the lock cannot be opened, or the file in its place is not a lock.
    """
    if name == "scripted":
        yield
        return
    path = Path(os.environ.get(VARIABLE) or FOLDER, f"psubench-{identity(name)}.lock")
    try:
        file = _acquired(path, name, on_wait)
    except OSError as error:
        raise PsubenchError(
            f"cannot lock {name} with {path}: {error.strerror}",
            f"remove that file, or set {VARIABLE} to a folder that can be written",
        ) from None
    try:
        yield
    finally:
        _name_holder(file, "")
        os.close(file)


def _acquired(path: Path, name: str, on_wait: Callable[[str], None]) -> int:
    reported = False
    while True:
        file = _open(path)
        try:
            while not _taken(file):
                if not reported:
                    on_wait(f"{name} is in use by {_holder(file)}; waiting until it has finished")
                    reported = True
                time.sleep(POLL_SECONDS)
            # The file may have been removed since, by a cleanup of the folder: then others lock a new one.
            if _is_at(file, path):
                _name_holder(file, f"{os.getpid()}")
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _open(path: Path) -> int:
    """The file of a lock, created if it does not exist.

    Every user can write to the folder, so the file may be a trap: a link is not followed, a pipe is not
    waited for, and a file that is not a lock is refused with an OSError.
    """
    careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | careful, 0o644)
        os.fchmod(file, 0o644)  # not by open's mode, which the umask cuts
    except FileExistsError:
        try:
            file = os.open(path, os.O_RDWR | careful)
        except PermissionError:  # another user's file, which can be locked but not written
            file = os.open(path, os.O_RDONLY | careful)
    found = os.fstat(file)
    said = os.pread(file, _LONGEST + 1, 0) if stat.S_ISREG(found.st_mode) else b"?"
    if found.st_nlink > 1 or len(said) > _LONGEST or not (said.isdigit() or not said):
        os.close(file)
        raise OSError(0, "it is not a lock of psubench")
    return file


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _holder(file: int) -> str:
    """`process 123`, if the holder could write its number and is alive."""
    number = os.pread(file, _LONGEST, 0).decode()
    return f"process {number}" if number and _lives(int(number)) else "another process"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except PermissionError:
        return True  # another user's
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _name_holder(file: int, number: str) -> None:
    """Writes the holder's process number for waiting processes; never into another user's file."""
    read_only = fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
    if read_only or os.fstat(file).st_uid != os.geteuid():
        return
    with suppress(OSError):  # a full disk: the lock holds without the number
        os.ftruncate(file, 0)
        os.pwrite(file, number.encode(), 0)
