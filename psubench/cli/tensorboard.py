"""TensorBoard with the plug-in torch-tb-profiler, for the traces of a run, on the loopback interface."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from psubench.errors import PsubenchError

START_SECONDS = 60.0
LOAD_SECONDS = 120.0
POLL_SECONDS = 0.3
PERFETTO = "https://ui.perfetto.dev"
RUNS = "data/plugin/pytorch_profiler/runs"
_OPTIONS = ("--host", "127.0.0.1", "--port", "0", "--load_fast", "false")
_ADDRESS = re.compile(rb"http://127\.0\.0\.1:\d+/")


def require() -> None:
    """Raises PsubenchError if TensorBoard or its plug-in is not installed; before anything is measured."""
    missing = [
        name for name in ("tensorboard", "torch_tb_profiler") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise PsubenchError(
            f"--tensorboard needs {' and '.join(missing)}, not installed here",
            f"pip install 'psubench[tensorboard]', or open the traces in {PERFETTO} without it",
        )


def serve(folder: Path, names: Sequence[str]) -> None:
    """Shows the traces in a folder until Ctrl-C; prints the address once they can be seen.

    Args:
        names: of the folders inside, each a run to TensorBoard.

    Raises:
        PsubenchError: TensorBoard does not start.
    """
    with tempfile.TemporaryFile() as log:
        # Its plug-in starts processes that run the main module again: ours would be the wrong one.
        server = subprocess.Popen(
            [sys.executable, "-P", "-m", "tensorboard.main", "--logdir", str(folder), *_OPTIONS],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = _address(server, log)
            unread = _unread(address, names)
            if unread:
                print(
                    f"torch-tb-profiler cannot read {', '.join(unread)}: open the trace in {PERFETTO}",
                    file=sys.stderr,
                )
            print(
                f"TensorBoard: {address}#pytorch_profiler (Ctrl-C ends it). Its charts load a script from the"
                f" internet; {PERFETTO} reads the same traces",
                file=sys.stderr,
            )
            server.wait()
        except KeyboardInterrupt:
            pass
        finally:
            server.terminate()
            server.wait()


def _address(server: subprocess.Popen[bytes], log: IO[bytes]) -> str:
    """The address that the server reports."""
    began = time.monotonic()
    while time.monotonic() - began < START_SECONDS:
        log.seek(0)
        said = log.read()
        found = _ADDRESS.search(said)
        if found:
            return found.group().decode()
        if server.poll() is not None:
            break
        time.sleep(POLL_SECONDS)
    last = said.decode(errors="replace").strip().splitlines()[-1:]
    raise PsubenchError(
        f"TensorBoard does not start: {last[0] if last else 'no answer'}", f"open the traces in {PERFETTO}"
    )


def _unread(address: str, names: Sequence[str]) -> list[str]:
    """The runs that the plug-in does not list once it has loaded everything."""
    began = time.monotonic()
    listed: list[str] = []
    while time.monotonic() - began < LOAD_SECONDS:
        try:
            with urlopen(address + RUNS, timeout=LOAD_SECONDS) as answer:
                found = json.load(answer)
        except (URLError, ValueError):
            break  # the plug-in itself is missing
        listed = found["runs"]
        if not found["loading"] and set(names) <= set(listed):
            break
        time.sleep(POLL_SECONDS)
    return [name for name in names if name not in listed]
