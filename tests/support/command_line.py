"""The program as a user starts it: as a process of its own, or in this one, which is ten times cheaper."""

import contextlib
import io
import subprocess
import sys
import time
import warnings

from psubench.cli import main

PROGRAM = [sys.executable, "-m", "psubench"]
LONGEST_SECONDS = 1200
"""After this long something hangs. No test passes or fails by it because a machine is busy."""


def psubench(*arguments, check=None, **options):
    """Runs the program as a process to its end; `check` is the exit code that it must have."""
    command = [*PROGRAM, *map(str, arguments)]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS, **options
    )
    assert check in (None, done.returncode), done.stderr
    return done


def here(*arguments, check=None, cwd="."):
    """Runs the program in this process, as `psubench` does; whatever it does not catch is raised.

    What it starts are processes as ever: workers, the looks at plug-ins, and the server that forks trainings,
    which stays for the next call.
    """
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["psubench", *map(str, arguments)]
    try:
        with (
            contextlib.chdir(cwd),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            # Letters that a font lacks and panels without room are matplotlib's to tell.
            warnings.simplefilter("ignore", UserWarning)
            main()
        code = 0
    except SystemExit as stop:
        code = stop.code or 0
    finally:
        sys.argv = before
    assert check in (None, code), err.getvalue()
    return subprocess.CompletedProcess(["psubench", *arguments], code, out.getvalue(), err.getvalue())


def until(happened, process):
    """Waits for what a process will do; fails if it ends without."""
    began = time.monotonic()
    while not happened():
        assert process.poll() is None or happened(), "the process ended before"
        assert time.monotonic() - began < LONGEST_SECONDS
        time.sleep(0.02)
