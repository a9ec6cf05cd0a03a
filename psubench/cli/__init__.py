"""The command line: parse, call, render. The only place where errors are caught and shown."""

from __future__ import annotations

import os
import sys
import traceback
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from psubench import __version__
from psubench.cli import (
    accuracy,
    baseline,
    compare,
    count,
    data,
    doctor,
    energy,
    export,
    history,
    init,
    list_,
    on_demand,
    paper,
    plot,
    profile,
    report,
    run,
    schema,
    selftest,
    show,
    signals,
    sparsity,
    speed,
    streams,
    train,
)
from psubench.errors import INTERNAL, INTERRUPTED, USAGE, PsubenchError, one_line

_MOST_LETTERS = 500

app = typer.Typer(
    help="How fast is a spiking neuron? Measured, with its uncertainty.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing the module that draws boxes would double the time of --help
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(speed.speed)
app.command()(sparsity.sparsity)
app.command()(energy.energy)
app.command()(doctor.doctor)
app.command()(profile.profile)
app.command()(run.run)
app.command()(train.train)
app.command()(accuracy.accuracy)
app.command()(compare.compare)
app.command()(count.count)
app.command()(history.history)
app.command()(show.show)
app.command()(plot.plot)
app.command()(export.export)
app.command()(report.report)
app.command()(paper.paper)
app.command()(schema.schema)
app.add_typer(list_.app, name="list")
app.add_typer(data.app, name="data")
app.add_typer(selftest.app, name="selftest")
app.add_typer(baseline.app, name="baseline")
app.add_typer(init.app, name="init")
on_demand.defer(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"psubench {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Options before the command."""


def main() -> None:
    """Runs the program; a user's error is one line on stderr and an exit code."""
    debug = "--debug" in sys.argv
    streams.prepare()
    signals.end_cleanly()
    if os.environ.get("PSUBENCH_RECORD_ONLY"):  # a side of `psubench compare --git`
        signals.end_with_parent()
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"] or ["--help"]
    try:
        code = app(arguments, prog_name="psubench", standalone_mode=False) or 0
        streams.flush()
        sys.exit(signals.exit_code(code))
    except PsubenchError as error:
        _end(str(error), error.exit_code, debug=debug)
    except TyperException as error:
        told = one_line(error.format_message())
        if told:  # without a message, the requested help has been shown
            print(f"error: {told}; psubench --help lists what there is", file=sys.stderr)
        sys.exit(USAGE)
    except OSError as error:  # an error of the machine: no temporary folder, a full disk, too many open files
        _end(f"{one_line(str(error))}; correct that and try again", USAGE, debug=debug)
    except (KeyboardInterrupt, typer.Abort) as error:
        if isinstance(error.__cause__, EOFError):  # which typer takes for Ctrl-D at a prompt
            _end(_own_fault(error.__cause__), INTERNAL, debug=debug)
        sys.exit(signals.exit_code(INTERRUPTED))
    except Exception as error:  # the border: whatever is left is a fault of psubench itself
        _end(_own_fault(error), INTERNAL, debug=debug)


def _end(told: str, code: int, *, debug: bool) -> NoReturn:
    """Tells in one line what went wrong. Python's own exit code would be 1, that of a regression."""
    if debug:
        traceback.print_exc()
    print(f"error: {one_line(told)}", file=sys.stderr)
    sys.exit(code)


def _own_fault(error: Exception) -> str:
    """An error that nothing has foreseen, with the place in psubench where it came up."""
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}psubench{os.sep}" in f.filename
    ]
    place = f" in {os.path.basename(frames[-1].filename)}, line {frames[-1].lineno}" if frames else ""
    told = one_line(f"{type(error).__name__}: {error}")[:_MOST_LETTERS]
    return f"psubench itself failed{place}: {told}; run again with --debug and report what it shows"
