"""Progress: what each kind of stream is told, and the state in which it leaves a terminal."""

import io

import pytest
from rich.console import Console

from psubench.records import trained
from psubench.records.events import Begin, Failed, Live, Measured, Step
from psubench.records.trained import Epoch, Trained
from psubench.render.progress import Lines, Quiet, Terminal, watch

RATIOS = {"lif": (1.0, 0.99, 1.01), "psu": (0.634, 0.61, 0.65), "new": (2.0, None, None)}
FOUND = "lif 1.00x [0.99, 1.01], psu 0.63x [0.61, 0.65], new 2.00x"
TEST = trained.Tested(
    correct=180, samples=200, spikes={"neuron1": 20}, neuron_steps={"neuron1": 200}, firing_rate=0.1
)


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self):
        return self.now


def shown(stream, script, kind=Lines):
    """What a watcher of a kind has shown of a script, and the watcher."""
    clock = Clock()
    with kind(stream, clock) as watcher:
        script(watcher, clock)
    return stream.getvalue(), watcher


def two_blocks(watcher, clock):
    watcher.plan("blocks", 4, 4)
    for T in (4, 8):
        title = f"train T={T}"
        watcher.hear(title, Begin())
        clock.now += 40
        watcher.hear(title, Live(RATIOS, 24))
        if T == 8:
            watcher.hear(title, Failed("psu@scan", "wrong", "spikes [b]differ[/b]"))
        clock.now += 5
        watcher.hear(title, Measured(45.0, RATIOS))


def epoch(number):
    return Epoch(
        key="k", epoch=number, loss=0.5, accuracy=0.8, samples=800, seconds=2.0, data_seconds=0.1, test=TEST
    )


def end(status="ok", message=None):
    test = TEST if status == "ok" else None
    return Trained(
        key="k", status=status, message=message, test=test, peak_memory_bytes=None, parameters=None
    )


def two_trainings(watcher, clock):
    watcher.plan("trainings", 2, 4)
    watcher.hear("psu on digits", Begin(0, 2))
    watcher.hear("psu on digits", Step(1, 0.5, 0.9, 99.0))
    for number in (1, 2):
        clock.now += 30
        watcher.hear("psu on digits", epoch(number))
    watcher.hear("psu on digits", end())
    watcher.hear("lif on digits", epoch(1))  # before it begins: it goes on after an epoch
    watcher.hear("lif on digits", Begin(1, 2))
    watcher.hear("lif on digits", end("failed", "the loss [b]is nan[/b]"))


def test_lines_of_blocks():
    text, _ = shown(io.StringIO(), two_blocks)
    assert text.splitlines() == [
        f"[1/4] train T=4: {FOUND}; 45.0 s; 2:15 left",
        "psu@scan, train T=8: wrong: spikes [b]differ[/b]",
        f"[2/4] train T=8: {FOUND}; 45.0 s; 1:30 left",
    ]


def test_lines_of_trainings():
    text, watcher = shown(io.StringIO(), two_trainings)
    assert text.splitlines() == [
        "[1/2] psu on digits: accuracy 90.0 %, firing rate 0.100; 1:00 left",
        "lif on digits: failed: the loss [b]is nan[/b]",
    ]
    assert (watcher.ended, watcher.left()) == (2, "0:00 left")  # of epochs that a failed one will not have


def test_a_single_training_tells_every_epoch():
    def one(watcher, clock):
        watcher.plan("trainings", 1, 2)
        watcher.hear("psu on digits", Begin(0, 2))
        clock.now += 30
        watcher.hear("psu on digits", epoch(1))

    text, _ = shown(io.StringIO(), one)
    assert text == (
        "psu on digits: epoch 1, loss 0.500, accuracy 90.0 %, firing rate 0.100, 400 samples/s; 0:30 left\n"
    )


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (two_blocks, "psu@scan, train T=8: wrong: spikes [b]differ[/b]\n"),
        (two_trainings, "lif on digits: failed: the loss [b]is nan[/b]\n"),
    ],
)
def test_quiet_tells_of_what_goes_wrong_only(script, line):
    assert shown(io.StringIO(), script, Quiet)[0] == line


def test_standard_error_is_the_default(capsys):
    with watch(quiet=False) as watcher:
        two_blocks(watcher, Clock())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 3


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_a_terminal_shows_ratios_and_is_left_clean(ending, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Tty()

    def script(watcher, clock):
        two_blocks(watcher, clock)
        if ending:
            raise ending

    try:
        shown(stream, script, Terminal)
    except KeyboardInterrupt:
        assert ending
    text = stream.getvalue()
    for piece in (
        "0.63x [0.61, 0.65]",
        "train T=8: preparing",
        "train T=8: 24 rounds",
        "2/4 blocks",
        "1:30 left",
        "spikes [b]differ[/b]",
    ):
        assert piece in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again
    assert text.endswith("\x1b[2K")  # and what was drawn is wiped


def test_a_terminal_shows_the_trainings_at_work(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")

    def cells(watcher):
        console = Console(file=io.StringIO(), width=80)
        console.print(watcher.picture())
        return [
            [cell.strip() for cell in line.split("  ") if cell.strip()]
            for line in console.file.getvalue().splitlines()[2:]
        ]

    def script(watcher, _):
        watcher.plan("trainings", 3, 6)
        for name in ("psu", "lif"):
            watcher.hear(f"{name} on digits", Begin(0, 2))
        watcher.hear("psu on digits", epoch(1))
        watcher.hear("lif on digits", Step(1, 0.5, 0.9, 99.0))
        assert cells(watcher) == [
            ["psu on digits", "1/2", "0.500", "90.0 %", "0.100", "400"],
            ["lif on digits", "0/2", "0.900", "-", "-", "99"],
        ]
        watcher.hear("psu on digits", end("failed", "no"))
        assert [row[0] for row in cells(watcher)] == ["lif on digits"]

    assert "psu on digits: failed: no" in shown(Tty(), script, Terminal)[0]


@pytest.mark.parametrize(
    ("term", "quiet", "kind"), [("dumb", False, Lines), ("xterm", False, Terminal), ("xterm", True, Quiet)]
)
def test_what_suits_a_terminal(term, quiet, kind, monkeypatch):
    monkeypatch.setenv("TERM", term)
    assert type(watch(quiet=quiet, stream=Tty())) is kind


@pytest.mark.parametrize(
    ("seconds", "blocks", "text"),
    [(3.0, 3, "0:06 left"), (3600.0, 3, "2:00:00 left"), (59.6, 1, "0:00 left")],
)
def test_time_left(seconds, blocks, text):
    clock = Clock()
    watcher = Quiet(io.StringIO(), clock)
    watcher.plan("blocks", blocks, blocks)
    assert watcher.left() == ""
    clock.now += seconds
    watcher.hear("", Measured(seconds, {}))
    assert watcher.left() == text
