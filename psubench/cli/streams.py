"""Standard output and error: closed pipes, and characters that the terminal cannot show."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import Any, TextIO


class _UntilClosed(io.FileIO):
    """A stream whose reader may leave, as `head` does: the rest is discarded.

    The command continues, so that its exit code is that of its result: a comparison neither passes nor
    fails because only its first lines were read.
    """

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)  # the interpreter writes what is left when it ends
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            if error.errno not in (errno.EPIPE, errno.EIO):  # a pipe, or a terminal that was closed
                raise
            return super().write(data)


def prepare() -> None:
    """Prepares standard output and error for their destination."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # closed: the next file that is opened, a record for example, would take its place
            os.open(os.devnull, os.O_RDWR)
    sys.stdout, sys.stderr = _wrapped(sys.stdout), _wrapped(sys.stderr)


def _wrapped(stream: TextIO) -> TextIO:
    if type(stream) is not io.TextIOWrapper:
        return stream  # a test's, or None where it was closed
    unbuffered = isinstance(stream.buffer, io.FileIO)  # as with python -u
    stream.flush()
    raw = _UntilClosed(stream.fileno(), "w", closefd=False)
    # A terminal that cannot show µ gets an escape.
    return io.TextIOWrapper(
        raw if unbuffered else io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def flush() -> None:
    """Flushes buffers: a full disk is reported now, not lost when the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def write_utf8(text: str) -> None:
    """Writes output for other programs to standard output: in UTF-8, whatever the locale."""
    if not isinstance(sys.stdout, io.TextIOWrapper):
        print(text, end="")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.buffer.flush()
