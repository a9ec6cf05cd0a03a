"""Exit codes of the program that no command chooses: its own faults, and the signals that end it."""

import signal
import subprocess
import sys

import pytest
import typer

from psubench import cli
from psubench.errors import PsubenchError


def ended(monkeypatch, capsys, error, *options):
    """Exit code and stderr of a command that raises an error."""
    monkeypatch.setattr(cli, "app", lambda *_, **__: (_ for _ in ()).throw(error))
    monkeypatch.setattr(cli.signals, "end_cleanly", lambda: None)
    monkeypatch.setattr(sys, "argv", ["psubench", "show", *options])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    return caught.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [KeyError("nobody foresaw it"), RecursionError("too deep"), MemoryError(), AssertionError("x\ny")],
)
def test_an_error_that_nothing_foresaw_is_no_regression(monkeypatch, capsys, error):
    code, said = ended(monkeypatch, capsys, error)
    assert code == 70
    assert len(said.splitlines()) == 1
    assert type(error).__name__ in said
    assert "--debug" in said


@pytest.mark.parametrize(
    ("error", "code"),
    [(PsubenchError("x", "y", 5), 5), (OSError("no room"), 2), (KeyError("nobody foresaw it"), 70)],
)
def test_a_traceback_changes_no_exit_code(monkeypatch, capsys, error, code):
    found, said = ended(monkeypatch, capsys, error, "--debug")
    assert found == code
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize("told", ["", "ran out of input", "x\ny"])
def test_a_stream_that_ends_too_early_is_no_ctrl_c(monkeypatch, capsys, told):
    """Typer makes an abort of every EOFError, as at a prompt that is left by Ctrl-D; here nobody asks."""
    fails = typer.Typer()

    @fails.command()
    def show():
        raise EOFError(told)

    monkeypatch.setattr(cli, "app", fails)
    monkeypatch.setattr(cli.signals, "end_cleanly", lambda: None)
    monkeypatch.setattr(cli.streams, "prepare", lambda: None)
    monkeypatch.setattr(sys, "argv", ["psubench", "--"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    said = capsys.readouterr().err.strip()
    assert caught.value.code == 70
    assert said.count("\n") == 0
    assert "EOFError" in said


def test_a_message_of_megabytes_is_cut(monkeypatch, capsys):
    assert len(ended(monkeypatch, capsys, ValueError("x" * 5_000_000))[1]) < 1000


def test_a_program_that_cannot_be_imported_is_no_regression(tmp_path):
    (tmp_path / "typer.py").write_text("raise ImportError('no typer')\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from psubench.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (70, 1)
    assert "no typer" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("ignored", [False, True])
def test_signals_that_end_it_let_it_clean_up_unless_they_are_ignored(number, ignored):
    code = (
        "import os, signal, sys\nfrom psubench import cli\n"
        f"if {ignored}: signal.signal({int(number)}, signal.SIG_IGN)\n"
        "def command(*_, **__):\n"
        "    try:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    finally:\n"
        # Another one does not cut short what is cleaned up.
        f"        os.kill(os.getpid(), {int(signal.SIGTERM if number == signal.SIGINT else number)})\n"
        "        print('clean', flush=True)\n"
        "cli.app = command\n"
        "cli.main()\n"
    )
    if ignored and number == signal.SIGINT:
        code = code.replace(f"getpid(), {int(signal.SIGTERM)}", f"getpid(), {int(number)}")
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0 if ignored else 128 + number, "clean\n")
