"""How a run goes on, on stderr: a live table in a terminal, else a line per block, or bad cases only."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TextIO

from psubench.errors import one_line
from psubench.render import escape, terminal
from psubench.render.numbers import ratio

if TYPE_CHECKING:
    from rich.console import Group

Ratios = Mapping[str, tuple[float, float | None, float | None]]


class Quiet:
    """Tells of bad cases and messages only; the two others build on what it counts.

    As a context manager it leaves a clean terminal, whatever ends the run.
    """

    def __init__(self, stream: TextIO) -> None:
        """Writes to `stream`."""
        self.stream = stream
        self.blocks = 0
        self.done = 0
        self.seconds = 0.0
        self.title = ""

    def plan(self, blocks: int) -> None:
        """So many blocks will be measured."""
        self.blocks = blocks

    def block(self, title: str) -> None:
        """A block begins."""
        self.title = title

    def live(self, ratios: Ratios, rounds: int) -> None:
        """Ratio, low and high so far, by label."""

    def case(self, label: str, status: str, message: str | None) -> None:
        """A case has ended badly."""
        where = f"{label}, {self.title}" if self.title else label
        self.message(f"{where}: {status}: {one_line(message)}" if message else f"{where}: {status}")

    def block_done(self, title: str, seconds: float, ratios: Ratios) -> None:  # noqa: ARG002
        """A block is in the record; it took so many seconds."""
        self.done += 1
        self.seconds += seconds

    def message(self, text: str) -> None:
        """A sentence for the user."""
        print(escape.terminal(text), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing more will be shown."""

    def left(self) -> str:
        """Time until the last block ends, from those that have; empty before the first has."""
        if not self.done:
            return ""
        seconds = round(self.seconds / self.done * (self.blocks - self.done))
        hours, rest = divmod(seconds, 3600)
        clock = f"{rest // 60}:{rest % 60:02}"
        return f"{hours}:{clock:0>5} left" if hours else f"{clock} left"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lines(Quiet):
    """One line per finished block: for pipes, logs and continuous integration."""

    def block_done(self, title: str, seconds: float, ratios: Ratios) -> None:
        """Prints what the block gave."""
        super().block_done(title, seconds, ratios)
        found = ", ".join(f"{label} {ratio(*value)}" for label, value in ratios.items())
        parts = [
            f"[{self.done}/{self.blocks}] {title}{found and ': '}{found}",
            f"{seconds:.1f} s",
            self.left(),
        ]
        self.message("; ".join(parts))


class Terminal(Quiet):
    """Redraws a bar, the block, the time left and the ratios so far, in place.

    It draws when it is told something and has no thread of its own: a thread that draws would take
    time from what is measured.
    """

    def __init__(self, stream: TextIO) -> None:
        """Draws on `stream`."""
        from rich.live import Live

        super().__init__(stream)
        self.ratios: Ratios = {}
        self.rounds = 0
        self.console = terminal.console(stream)
        # Standard output is the result's: it is not redirected.
        self._live = Live(
            console=self.console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def block(self, title: str) -> None:
        """Shows the block without ratios yet."""
        super().block(title)
        self.ratios, self.rounds = {}, 0
        self._draw()

    def live(self, ratios: Ratios, rounds: int) -> None:
        """Shows the ratios so far."""
        self.ratios, self.rounds = ratios, rounds
        self._draw()

    def block_done(self, title: str, seconds: float, ratios: Ratios) -> None:
        """Shows the bar one block further."""
        super().block_done(title, seconds, ratios)
        self.ratios = ratios
        self._draw()

    def message(self, text: str) -> None:
        """Prints above what is redrawn, where it stays."""
        self.console.print(escape.terminal(text), markup=False, soft_wrap=True)

    def close(self) -> None:
        """Wipes what was drawn and shows the cursor again."""
        self._live.stop()

    def _draw(self) -> None:
        self._live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """The bar, the block and its ratios, as of now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 1))
        count = f"{self.done}/{self.blocks} blocks"
        head.add_row(ProgressBar(max(self.blocks, 1), self.done, width=20), count, self.left())
        rounds = f"{self.rounds} rounds" if self.rounds else "preparing"
        body = Table.grid(padding=(0, 2))
        for label, value in self.ratios.items():
            body.add_row(Text(f"  {escape.terminal(label)}"), Text(ratio(*value)))
        return Group(
            head, Text(f"{escape.terminal(self.title)}: {rounds}", overflow="ellipsis", no_wrap=True), body
        )


def watch(*, quiet: bool, stream: Any = None) -> Quiet:
    """What suits the stream, standard error by default: `Terminal`, `Lines`, or `Quiet` if asked for."""
    stream = stream or sys.stderr
    if quiet:
        return Quiet(stream)
    redraws = stream.isatty() and os.environ.get("TERM") != "dumb"
    return Terminal(stream) if redraws else Lines(stream)
