"""How trainings go on, on stderr: live rows in a terminal, else a line per training, or bad ones only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TextIO

from psubench.errors import one_line
from psubench.render import escape, terminal
from psubench.render.numbers import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Group

Event = Mapping[str, Any]
_LEAST_SECONDS = 0.2  # between two pictures


class Quiet:
    """Tells of bad trainings and messages only; the two others build on what it counts."""

    def __init__(self, stream: TextIO) -> None:
        """Writes to `stream`."""
        self.stream = stream
        self.trainings = self.ended = 0
        self.epochs = self.done = 0
        self.began = time.monotonic()

    def plan(self, trainings: int, epochs: int) -> None:
        """So many trainings, and so many epochs of all of them, are to come."""
        self.trainings, self.epochs, self.began = trainings, epochs, time.monotonic()

    def begin(self, title: str, epoch: int, epochs: int) -> None:  # noqa: ARG002
        """A training begins, or goes on after an epoch."""
        self.epochs -= epoch

    def step(self, title: str, event: Event) -> None:
        """How far an epoch is."""

    def epoch(self, title: str, event: Event) -> None:  # noqa: ARG002
        """An epoch has ended."""
        self.done += 1

    def end(self, title: str, event: Event) -> None:
        """A training has ended."""
        self.ended += 1
        if event["status"] != "ok":
            self.message(f"{title}: {event['status']}: {one_line(str(event['message']))}")

    def message(self, text: str) -> None:
        """A sentence for the user."""
        print(escape.terminal(text), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing more will be shown."""

    def left(self) -> str:
        """Time until the last epoch ends, from those that have; empty before the first has."""
        if not self.done:
            return ""
        seconds = round((time.monotonic() - self.began) / self.done * max(0, self.epochs - self.done))
        hours, rest = divmod(seconds, 3600)
        clock = f"{rest // 60}:{rest % 60:02}"
        return f"{hours}:{clock:0>5} left" if hours else f"{clock} left"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Lines(Quiet):
    """A line per epoch of a single training, a line per training of several: for pipes and logs."""

    def epoch(self, title: str, event: Event) -> None:
        """Prints an epoch where there is one training."""
        super().epoch(title, event)
        if self.trainings == 1:
            self.message(f"{title}: {_sentence(event)}; {self.left()}")

    def end(self, title: str, event: Event) -> None:
        """Prints what a training has come to."""
        super().end(title, event)
        if event["status"] == "ok":
            test = event["test"]
            right = f"accuracy {100 * test['correct'] / test['samples']:.1f} %"
            rate = f"firing rate {_number(test['firing_rate'], '.3f')}"
            self.message(f"[{self.ended}/{self.trainings}] {title}: {right}, {rate}; {self.left()}")


def _number(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else f"{value:{form}}"


def _sentence(event: Event) -> str:
    test = event["test"]
    return ", ".join(
        [
            f"epoch {event['epoch']}",
            f"loss {event['loss']:.3f}",
            f"accuracy {100 * test['correct'] / test['samples']:.1f} %",
            f"firing rate {_number(test['firing_rate'], '.3f')}",
            f"{event['samples'] / event['seconds']:.0f} samples/s",
        ]
    )


class Terminal(Quiet):
    """Redraws a bar, the time left, and a row per training that is at work."""

    def __init__(self, stream: TextIO) -> None:
        """Draws on `stream`."""
        from rich.live import Live

        super().__init__(stream)
        self.rows: dict[str, dict[str, Any]] = {}
        self.drawn = 0.0
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

    def begin(self, title: str, epoch: int, epochs: int) -> None:
        """Shows a row for the training."""
        super().begin(title, epoch, epochs)
        self.rows[title] = {"epoch": epoch, "epochs": epochs}
        self._draw(now=True)

    def step(self, title: str, event: Event) -> None:
        """Shows how far the epoch is."""
        row = self.rows[title]
        row.update(event, epoch=event["epoch"] - 1)
        self._draw(now=False)

    def epoch(self, title: str, event: Event) -> None:
        """Shows what the epoch has given."""
        super().epoch(title, event)
        if title in self.rows:  # a resumed training tells its earlier epochs before it begins
            test = event["test"]
            row = {"test": test["correct"] / test["samples"], "rate": test["firing_rate"]}
            speed = event["samples"] / event["seconds"]
            self.rows[title].update(
                row, epoch=event["epoch"], done=0.0, loss=event["loss"], samples_per_second=speed
            )
        self._draw(now=False)

    def end(self, title: str, event: Event) -> None:
        """Takes the training's row away."""
        super().end(title, event)
        self.rows.pop(title, None)
        self._draw(now=True)

    def message(self, text: str) -> None:
        """Prints above what is redrawn, where it stays."""
        self.console.print(escape.terminal(text), markup=False, soft_wrap=True)

    def close(self) -> None:
        """Wipes what was drawn and shows the cursor again."""
        self._live.stop()

    def _draw(self, *, now: bool) -> None:
        if now or time.monotonic() - self.drawn > _LEAST_SECONDS:
            self.drawn = time.monotonic()
            self._live.update(self.picture(), refresh=True)

    def picture(self) -> Group:
        """The bar and the trainings at work, as of now."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        head = Table.grid(padding=(0, 1))
        inside = sum(row.get("done") or 0.0 for row in self.rows.values())
        bar = ProgressBar(max(self.epochs, 1), min(self.epochs, self.done + inside), width=20)
        head.add_row(bar, f"{self.ended}/{self.trainings} trainings", self.left())
        body = Table(box=None, padding=(0, 2, 0, 0))
        for name in ("training", "epoch", "loss", "accuracy", "rate", "samples/s"):
            body.add_column(name, justify="left" if name == "training" else "right", header_style="dim")
        for title, row in self.rows.items():
            body.add_row(
                Text(escape.terminal(title)),
                f"{row['epoch']}/{row['epochs']}",
                _number(row.get("loss"), ".3f"),
                _number(row.get("test"), ".1%").replace("%", " %"),
                _number(row.get("rate"), ".3f"),
                _number(row.get("samples_per_second"), ".0f"),
            )
        return Group(head, body)


def watch(*, quiet: bool, stream: Any = None) -> Quiet:
    """What suits the stream, standard error by default: `Terminal`, `Lines`, or `Quiet` if asked for."""
    stream = stream or sys.stderr
    if quiet:
        return Quiet(stream)
    redraws = stream.isatty() and os.environ.get("TERM") != "dumb"
    return Terminal(stream) if redraws else Lines(stream)
