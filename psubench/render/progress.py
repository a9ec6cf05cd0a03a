"""How a run goes on, on stderr: live rows in a terminal, else lines, or what goes wrong only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TextIO

from psubench.errors import one_line
from psubench.records.events import Begin, Failed, Live, Measured, Shown, Step
from psubench.records.trained import Epoch, Trained
from psubench.render import escape, terminal
from psubench.render.numbers import UNKNOWN, ratio

if TYPE_CHECKING:
    from rich.console import Group, RenderableType

_LEAST_SECONDS = 0.2  # between two pictures
_COLUMNS = ("training", "epoch", "loss", "accuracy", "rate", "samples/s")


@dataclass
class Row:
    """A block or a training that is at work, and the last that it has told."""

    begin: Begin
    live: Live | None = None
    step: Step | None = None
    epoch: Epoch | None = None

    @property
    def epochs_done(self) -> int:
        """Epochs that have ended, those before a resumption among them."""
        return self.epoch.epoch if self.epoch else self.begin.epoch


class Quiet:
    """Tells of what goes wrong and of messages only; the two others build on what it counts.

    As a context manager it leaves a clean terminal, whatever ends the run.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Writes to `stream`; `clock` gives seconds."""
        self.stream, self.clock = stream, clock
        self.units, self.count, self.ended = "", 0, 0
        self.steps, self.done, self.began = 0, 0, clock()
        self.rows: dict[str, Row] = {}

    def plan(self, units: str, count: int, steps: int) -> None:
        """So many "blocks" or "trainings", of so many steps in all, are to come."""
        self.units, self.count, self.steps, self.began = units, count, steps, self.clock()

    def hear(self, title: str, event: Shown) -> None:
        """What a block or a training, named by its title, tells."""
        row = self.rows.get(title)
        match event:
            case Begin():
                self.rows[title] = Row(event)
                self.steps -= event.epoch
            case Live() if row:
                row.live = event
            case Step() if row:
                row.step = event
            case Epoch() if row:  # a resumed training tells its earlier epochs before it begins
                row.epoch, row.step = event, None
                self.done += 1
            case Failed():
                self._bad(f"{event.neuron}, {title}", event)
            case Measured():
                self.done += 1
                self._end(title)
            case Trained():
                if event.status != "ok":
                    self._bad(title, event)
                if row:  # the epochs that a failed one will not have
                    self.steps -= row.begin.epochs - row.epochs_done
                self._end(title)

    def _bad(self, where: str, event: Failed | Trained) -> None:
        told = f": {one_line(event.message)}" if event.message else ""
        self.message(f"{where}: {event.status}{told}")

    def _end(self, title: str) -> None:
        self.ended += 1
        self.rows.pop(title, None)

    def message(self, text: str) -> None:
        """A sentence for the user."""
        print(escape.terminal(text), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing more will be shown."""

    def left(self) -> str:
        """Time until the last step ends, from those that have; empty before the first has."""
        if not self.done:
            return ""
        seconds = round((self.clock() - self.began) / self.done * max(0, self.steps - self.done))
        hours, rest = divmod(seconds, 3600)
        clock = f"{rest // 60}:{rest % 60:02}"
        return f"{hours}:{clock:0>5} left" if hours else f"{clock} left"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lines(Quiet):
    """A line per block or training, and per epoch of a single training: for pipes and logs."""

    def hear(self, title: str, event: Shown) -> None:
        """Prints what has ended."""
        super().hear(title, event)
        match event:
            case Measured(seconds=seconds, ratios=ratios):
                found = ", ".join(f"{label} {ratio(*value)}" for label, value in ratios.items())
                self._line(f"{self._count()} {title}{found and ': '}{found}", f"{seconds:.1f} s")
            case Epoch() if self.count == 1:
                what = f"epoch {event.epoch}, loss {event.loss:.3f}, {_tested(event)}"
                self._line(f"{title}: {what}, {event.samples / event.seconds:.0f} samples/s")
            case Trained(status="ok"):
                self._line(f"{self._count()} {title}: {_tested(event)}")

    def _count(self) -> str:
        return f"[{self.ended}/{self.count}]"

    def _line(self, *parts: str) -> None:
        self.message("; ".join(part for part in (*parts, self.left()) if part))


def _tested(event: Epoch | Trained) -> str:
    test = event.test
    assert test is not None  # of a training that is ok
    rate = "" if test.firing_rate is None else f", firing rate {test.firing_rate:.3f}"
    return f"accuracy {100 * test.correct / test.samples:.1f} %{rate}"


def _number(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else f"{value:{form}}"


class Terminal(Quiet):
    """Redraws a bar, the time left, and what is at work, in place.

    It draws when it is told something and has no thread of its own: a thread that draws would take
    time from what is measured.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Draws on `stream`."""
        from rich.live import Live as Drawing

        super().__init__(stream, clock)
        self.drawn = 0.0
        self.console = terminal.console(stream)
        # Standard output is the result's: it is not redirected.
        self._drawing = Drawing(
            console=self.console, auto_refresh=False, transient=True, redirect_stdout=False,
            redirect_stderr=False,
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._drawing.start()
        return self

    def hear(self, title: str, event: Shown) -> None:
        """Draws anew, but not too often."""
        super().hear(title, event)
        now = self.clock()
        if isinstance(event, Begin | Measured | Trained) or now - self.drawn > _LEAST_SECONDS:
            self.drawn = now
            self._drawing.update(self.picture(), refresh=True)

    def message(self, text: str) -> None:
        """Prints above what is redrawn, where it stays."""
        self.console.print(escape.terminal(text), markup=False, soft_wrap=True)

    def close(self) -> None:
        """Wipes what was drawn and shows the cursor again."""
        self._drawing.stop()

    def picture(self) -> Group:
        """The bar and what is at work, as of now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        head = Table.grid(padding=(0, 1))
        inside = sum(row.step.done or 0.0 for row in self.rows.values() if row.step)
        bar = ProgressBar(max(self.steps, 1), min(self.steps, self.done + inside), width=20)
        head.add_row(bar, f"{self.ended}/{self.count} {self.units}", self.left())
        return Group(head, *(self._trainings() if self.units == "trainings" else self._blocks()))

    def _blocks(self) -> Iterator[RenderableType]:
        from rich.table import Table
        from rich.text import Text

        for title, row in self.rows.items():
            state = f"{row.live.rounds} rounds" if row.live else "preparing"
            yield Text(f"{escape.terminal(title)}: {state}", overflow="ellipsis", no_wrap=True)
            found = Table.grid(padding=(0, 2))
            for label, value in (row.live.ratios if row.live else {}).items():
                found.add_row(Text(f"  {escape.terminal(label)}"), Text(ratio(*value)))
            yield found

    def _trainings(self) -> Iterator[RenderableType]:
        from rich.table import Table
        from rich.text import Text

        found = Table(box=None, padding=(0, 2, 0, 0))
        for name in _COLUMNS:
            found.add_column(name, justify="left" if name == "training" else "right", header_style="dim")
        for title, row in self.rows.items():
            found.add_row(
                Text(escape.terminal(title)), f"{row.epochs_done}/{row.begin.epochs}", *_numbers(row)
            )
        yield found


def _numbers(row: Row) -> list[str]:
    """Loss and samples per second of the epoch at work, accuracy and firing rate of the last that ended."""
    loss = speed = accuracy = rate = None
    if row.epoch:
        loss, speed = row.epoch.loss, row.epoch.samples / row.epoch.seconds
        accuracy, rate = row.epoch.test.correct / row.epoch.test.samples, row.epoch.test.firing_rate
    if row.step:
        loss, speed = row.step.loss, row.step.samples_per_second
    percent = _number(accuracy, ".1%").replace("%", " %")
    return [_number(loss, ".3f"), percent, _number(rate, ".3f"), _number(speed, ".0f")]


def watch(*, quiet: bool, stream: Any = None) -> Quiet:
    """What suits the stream, standard error by default: `Terminal`, `Lines`, or `Quiet` if asked for."""
    stream = stream or sys.stderr
    if quiet:
        return Quiet(stream)
    redraws = stream.isatty() and os.environ.get("TERM") != "dumb"
    return Terminal(stream) if redraws else Lines(stream)
