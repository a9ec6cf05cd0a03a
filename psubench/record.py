"""The writer of `run.jsonl`. Records and their reader are `psubench.records`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from psubench.errors import PsubenchError
from psubench.records.jsonl import MEMORY, NAME, SCHEMA, begun, case_key, line_of, locate, read
from psubench.records.structs import Record

__all__ = ["MEMORY", "NAME", "SCHEMA", "Recorder", "begun", "case_key", "locate", "read"]


class Recorder:
    """Appends records to a file; each is on the disk before `append` returns."""

    def __init__(self, path: Path) -> None:
        """Opens `path` for appending, creates it and its folder if need be, cuts a torn last line."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise PsubenchError(
                f"cannot write {path}: {error.strerror}", "give a folder that can be written with --out"
            ) from None
        self._end = self._complete_length()
        os.ftruncate(self._file, self._end)
        self._sync_folder()

    def _complete_length(self) -> int:
        with open(self._file, "rb", closefd=False) as file:
            return file.read().rfind(b"\n") + 1

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
            PsubenchError: the disk is full or gone; every earlier record is kept whole. Or the file was
                removed, and everything with it.
        """
        line = line_of(record)
        # Ctrl-C waits: it must find a whole line or none.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
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
        except OSError as error:
            os.ftruncate(self._file, self._end)
            raise PsubenchError(
                f"cannot write {self.path}: {error.strerror}",
                "what was recorded before is kept; make room and continue with --resume",
            ) from None
        self._end += len(line)
        if os.fstat(self._file).st_nlink == 0:  # the system would go on writing where nobody can read
            raise PsubenchError(
                f"{self.path} was removed while the run went on", "measure again, and keep the folder"
            )

    def close(self) -> None:
        """Closes the file."""
        os.close(self._file)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
