"""How a download goes on, on stderr: a bar in a terminal, else a line per file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Progress = Callable[[str, int, int | None], None]


@contextmanager
def bar(stream: TextIO, *, quiet: bool) -> Iterator[Progress]:
    """A function that is told the name of a file, the bytes that are here, and their number if known."""
    if quiet:
        yield lambda *_: None
    elif not stream.isatty():
        yield _lines(stream)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(file=stream)) as shown:
            tasks = {}

            def tell(name: str, here: int, of: int | None) -> None:
                if name not in tasks:
                    tasks[name] = shown.add_task(name, total=of)
                shown.update(tasks[name], completed=here, total=of)

            yield tell


def _lines(stream: TextIO) -> Progress:
    """One line when a file begins: a log has no use for more."""
    begun = set()

    def tell(name: str, here: int, of: int | None) -> None:  # noqa: ARG001
        if name not in begun:
            begun.add(name)
            print(f"{name}: {of / 1e6:.1f} MB" if of else name, file=stream, flush=True)

    return tell
