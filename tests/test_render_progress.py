"""Progress: what each kind of stream is told, and the state in which it leaves a terminal."""

import io

import pytest

from psubench.render.progress import Lines, Quiet, Terminal, watch

RATIOS = {"lif": (1.0, 0.99, 1.01), "psu": (0.634, 0.61, 0.65), "new": (2.0, None, None)}


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def two_blocks(watcher):
    watcher.plan(4)
    for T in (4, 8):
        watcher.block(f"train T={T}")
        watcher.live(RATIOS, 24)
        if T == 8:
            watcher.case("psu@scan", "wrong", "spikes [b]differ[/b]")
        watcher.block_done(f"train T={T}", 45.0, RATIOS)


def test_lines():
    stream = io.StringIO()
    with watch(quiet=False, stream=stream) as watcher:
        two_blocks(watcher)
    assert isinstance(watcher, Lines)
    found = "lif 1.00x [0.99, 1.01], psu 0.63x [0.61, 0.65], new 2.00x"
    assert stream.getvalue().splitlines() == [
        f"[1/4] train T=4: {found}; 45.0 s; 2:15 left",
        "psu@scan, train T=8: wrong: spikes [b]differ[/b]",
        f"[2/4] train T=8: {found}; 45.0 s; 1:30 left",
    ]


def test_quiet_tells_of_bad_cases_only():
    stream = io.StringIO()
    with watch(quiet=True, stream=stream) as watcher:
        two_blocks(watcher)
    assert type(watcher) is Quiet
    assert stream.getvalue() == "psu@scan, train T=8: wrong: spikes [b]differ[/b]\n"


def test_standard_error_is_the_default(capsys):
    with watch(quiet=False) as watcher:
        two_blocks(watcher)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 3


@pytest.mark.parametrize("ending", [None, KeyboardInterrupt])
def test_a_terminal_shows_ratios_and_is_left_clean(ending, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Tty()
    try:
        with watch(quiet=False, stream=stream) as watcher:
            two_blocks(watcher)
            if ending:
                raise ending
    except KeyboardInterrupt:
        assert ending
    assert isinstance(watcher, Terminal)
    text = stream.getvalue()
    for piece in (
        "0.63x [0.61, 0.65]",
        "train T=8: 24 rounds",
        "2/4 blocks",
        "1:30 left",
        "spikes [b]differ[/b]",
    ):
        assert piece in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")  # the cursor is shown again
    assert text.endswith("\x1b[2K")  # and what was drawn is wiped


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(watch(quiet=False, stream=Tty()), Lines)


@pytest.mark.parametrize(
    ("seconds", "blocks", "text"),
    [(3.0, 3, "0:06 left"), (3600.0, 3, "2:00:00 left"), (59.6, 1, "0:00 left")],
)
def test_time_left(seconds, blocks, text):
    watcher = Quiet(io.StringIO())
    watcher.plan(blocks)
    assert watcher.left() == ""
    watcher.block_done("", seconds, {})
    assert watcher.left() == text
