"""`run.jsonl`: what was measured, one JSON object per line. Standard library only.

A line counts once its newline is on the disk. A torn last line is dropped when reading and cut when
writing goes on, so a killed run loses nothing that was complete.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import signal
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from psubench import origins, shapes
from psubench.errors import NOT_COMPARABLE, PsubenchError
from psubench.shapes import AGAIN, IDLE

__all__ = ["AGAIN", "IDLE"]  # for those who write and read samples

SCHEMA = 1
NAME = "run.jsonl"
_BEGINS = b'{"type":"run",'
MEMORY = "memory"
"""Type of the records of peak memory, and what stands for the number of the process in that pass."""
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}


def case_key(case: Mapping[str, Any]) -> str:
    """16 hexadecimal digits that name a case: the same fields and values give the same key."""
    canonical = json.dumps(case, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def locate(run: Path) -> Path:
    """The record of a run given as its folder or as the record itself."""
    try:
        path = run / NAME if run.is_dir() else run
        found = path.is_file()
    except OSError as error:
        raise PsubenchError(f"cannot look at {run}: {error.strerror}", "check the path") from None
    if not found:
        raise PsubenchError(
            f"no record at {path}", f"give the folder of a run, the one that holds {NAME}, or that file"
        )
    return path


def begun(path: Path) -> bool:
    """Whether a file holds at least one complete record; a run killed at its very start left none."""
    try:
        return path.is_file() and b"\n" in path.read_bytes()
    except OSError as error:
        raise PsubenchError(
            f"cannot read {path}: {error.strerror}", "give a folder that can be read and written with --out"
        ) from None


def read(path: Path) -> list[dict[str, Any]]:
    """All complete records of a file, in order.

    Raises:
        PsubenchError: the file is empty, damaged before its last line, or of another schema.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PsubenchError(f"cannot read {path}: {error.strerror}", "check the path") from None
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    records = [_parse(line, path, number) for number, line in enumerate(lines, start=1)]
    if not records:
        raise PsubenchError(f"{path} holds no complete record", "measure again with another --out")
    _check_schema(records[0], path)
    for number, record in enumerate(records, start=1):
        problem = shapes.problem(record)
        if problem is not None:
            raise _damaged(path, number, problem)
    apart = shapes.disagreement(records) or origins.disagreement(records)
    if apart is not None:
        raise _damaged(path, apart[0] + 1, apart[1])
    return records


def _no_number(word: str) -> Any:
    raise ValueError(word)


_decode = json.JSONDecoder(parse_constant=_no_number).decode


def _parse(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = _decode(line.decode())
        if b"\\u" in line:  # half a character, which no file and no terminal takes
            json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise _damaged(path, number, "it is no record of psubench")
    return record


def _damaged(path: Path, number: int, problem: str) -> PsubenchError:
    return PsubenchError(
        f"{path}, line {number} is damaged: {problem}",
        "the file was changed after it was written; restore it or measure again",
        NOT_COMPARABLE,
    )


def _check_schema(first: Mapping[str, Any], path: Path) -> None:
    if first["type"] != "run":
        raise _damaged(path, 1, f"a run begins with a record of type run, not {first['type'][:20]}")
    if first.get("schema") != SCHEMA:
        raise PsubenchError(
            f"{path} has schema {first.get('schema')!r:.40}, this psubench reads {SCHEMA}",
            "read it with the version that wrote it",
            NOT_COMPARABLE,
        )


class Recorder:
    """Appends records to a file; each is on the disk before `append` returns.

    A record has one writer: the file is locked while it is open.
    """

    def __init__(self, path: Path) -> None:
        """Opens `path` for appending, creates it and its folder if need be, cuts a torn last line.

        Raises:
            PsubenchError: the file cannot be written, another process writes it, or it is not a record.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Neither a link is followed, which may lead to a file of somebody else's, nor a pipe waited for.
            careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | careful, 0o644)
        except OSError as error:
            told = "it is a link" if path.is_symlink() else error.strerror
            raise PsubenchError(
                f"cannot write {path}: {told}", "give a folder that can be written with --out"
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
            told = "it is not a regular file" if facts.st_nlink < 2 else "it has a second name, a hard link"
            raise PsubenchError(f"cannot write {self.path}: {told}", "choose another --out")
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

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes one record and waits until it is on the disk.

        Raises:
            PsubenchError: the disk is full or gone; every earlier record is kept whole. Or the file was
                removed, and everything with it.
        """
        text = json.dumps(record, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        # Names of files may hold bytes that are no text: a question mark stands for each.
        line = text.encode(errors="replace") + b"\n"
        # Ctrl-C and its kin wait: they must find a whole line or none.
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
        ):  # a signal that another thread has taken: the next line must not begin in this one
            os.ftruncate(self._file, self._end)
            raise
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
