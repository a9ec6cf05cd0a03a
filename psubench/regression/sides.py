"""One of two things that are compared: an interpreter, a folder and an environment that measures cases."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psubench.errors import CASE_FAILED, PsubenchError
from psubench.records import jsonl
from psubench.records.structs import Record

Words = Mapping[str, str]
"""A table of a suite: the options of `psubench speed` without their dashes."""
END_SECONDS = 10.0
HANDICAP = "PSUBENCH_HANDICAP"
"""Environment variable with the share by which `psubench.regression.handicap` slows its neuron; none is 0."""


@dataclass(frozen=True)
class Side:
    """A revision, or the same one with another environment.

    Attributes:
        name: in progress and errors.
        python: the interpreter that has its packages.
        folder: working folder, where plug-ins are found.
        variables: added to the environment.
    """

    name: str
    python: Path
    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def measure(self, tables: Sequence[Words], settings: Mapping[str, Any], device: str) -> list[Record]:
        """The records of one `psubench run` in a fresh process; failed cases are records too.

        The command line and the form of a suite are all that two revisions must have in common.

        Raises:
            PsubenchError: the command did not get as far as a record.
        """
        with tempfile.TemporaryDirectory(prefix="psubench-side-") as temporary:
            suite, out = Path(temporary, "suite.toml"), Path(temporary, "out")
            suite.write_text(suite_text(tables, settings), encoding="utf-8")
            arguments = ["--quiet", "--device", device, "--out", str(out), str(suite)]
            status, said = self._run(["-m", "psubench", "run", *arguments])
            if status not in (0, CASE_FAILED):
                last = next(iter(said.strip().splitlines()[-1:]), f"exit code {status}")
                raise PsubenchError(
                    f"{self.name} cannot be measured: {last.removeprefix('error: ')}",
                    "check that revision, and that it has this suite's neurons and options",
                )
            return jsonl.read(jsonl.locate(out))

    def _run(self, arguments: list[str]) -> tuple[int, str]:
        """Exit status and stderr; the process ends with this one, whatever ends it."""
        process = subprocess.Popen(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={**os.environ, "PSUBENCH_RECORD_ONLY": "1", **self.variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the comparison alone, which then ends this
        )
        try:
            said = process.communicate()[1]
        except BaseException:
            _end(process)
            raise
        return process.returncode, said


def suite_text(tables: Sequence[Words], settings: Mapping[str, Any]) -> str:
    """A suite as TOML. Words, numbers, true and false are the same in JSON."""
    lines = [
        "version = 1",
        "[settings]",
        *(f"{key} = {json.dumps(value)}" for key, value in settings.items()),
    ]
    for table in tables:
        lines += ["[[speed]]", *(f"{key} = {json.dumps(word)}" for key, word in table.items())]
    return "\n".join(lines) + "\n"


def _end(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def own_code(folder: Path) -> dict[str, str]:
    """Variables with which Python imports what lies in a folder before what is installed."""
    inherited = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    # Absolute: a side has a working folder of its own.
    paths = [str(folder.absolute()), *(str(Path(path).absolute()) for path in inherited)]
    return {"PYTHONPATH": os.pathsep.join(paths)}
