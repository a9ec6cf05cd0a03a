"""Tests have device locks in a folder of their own: whatever else measures on this machine is nothing that
they wait for. Those that run side by side (pytest-xdist) have one each, for the same reason."""

import os
import tempfile
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(tempfile.gettempdir(), f"psubench-{os.environ['PYTEST_XDIST_TESTRUNUID'][:8]}", worker)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
locks = tempfile.TemporaryDirectory(prefix="psubench-locks-")  # removed when the tests end
os.environ["PSUBENCH_LOCKS"] = locks.name
