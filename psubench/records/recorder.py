"""The writer of `run.jsonl`. Records and their reader are `psubench.records`."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
from pathlib import Path

from psubench.errors import PsubenchError
from psubench.records.jsonl import line_of
from psubench.records.structs import Record

_BEGINS = b'{"type":"run",'
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}


class Recorder:
    """Appends records to a file; each is on the disk before `append` returns.

    A record has one writer: the file is locked while it is open.
    """

    def __init__(self, path: Path) -> None:
        """Opens `path` for appending, creates it and its folder if necessary, and cuts off a torn last line.

        Raises:
            PsubenchError: the file cannot be written, another process writes it, or it is not a record.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A link is not followed: it may lead to another user's file. A pipe is not waited for.
            careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | careful, 0o644)
        except OSError as error:
            reason = "it is a link" if path.is_symlink() else error.strerror
            raise PsubenchError(
                f"cannot write {path}: {reason}", "give a folder that can be written with --out"
            ) from None
        try:
            self._lock()
            self._end = self._complete_length()
            os.ftruncate(self._file, self._end)
        except BaseException:
            os.close(self._file)
            raise
        self._sync_folder()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PsubenchError(
                f"another psubench is writing {self.path}", "wait until it has ended or choose another --out"
            ) from None
        except OSError as error:
            raise PsubenchError(
                f"cannot lock {self.path}: {error.strerror}", "give a folder on another disk with --out"
            ) from None

    def _complete_length(self) -> int:
        """Bytes up to the end of the last complete record of a file that may be written."""
        facts = os.fstat(self._file)
        if not stat.S_ISREG(facts.st_mode) or facts.st_nlink > 1:
            reason = "it is not a regular file" if facts.st_nlink < 2 else "it has a second name, a hard link"
            raise PsubenchError(f"cannot write {self.path}: {reason}", "choose another --out")
        with open(self._file, "rb", closefd=False) as file:
            data = file.read()
        if not (data.startswith(_BEGINS) or _BEGINS.startswith(data)):
            raise PsubenchError(
                f"{self.path} is not a record of psubench, and is left as it is", "choose another --out"
            )
        return data.rfind(b"\n") + 1

    def _sync_folder(self) -> None:
        # A new file's name is durable only once its folder is; not every system lets a folder be synced.
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        except OSError:
            pass
        finally:
            os.close(folder)

    def append(self, record: Record) -> None:
        """Writes one record and waits until it is on the disk.

        Raises:
            PsubenchError: the disk is full or gone; every earlier record is kept. Or the file was
                removed, and everything in it is lost.
        """
        line = line_of(record)
        # Ctrl-C and similar signals wait: they must find a whole line or none.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        try:
            self._write(line)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _write(self, line: bytes) -> None:
        try:
            written = 0
            while written < len(line):
                written += os.pwrite(self._file, line[written:], self._end + written)
            os.fsync(self._file)
            self._end += len(line)
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise PsubenchError(
                f"cannot write {self.path}: {error.strerror}",
                "what was recorded before is kept; make room and continue with --resume",
            ) from None
        except (
            BaseException
        ):  # a signal that another thread received: the next line must not begin within this one
            os.ftruncate(self._file, self._end)
            raise
        if os.fstat(self._file).st_nlink == 0:  # the system would continue to write to an unreachable file
            raise PsubenchError(
                f"{self.path} was removed during the run", "measure again, and keep the folder"
            )

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
