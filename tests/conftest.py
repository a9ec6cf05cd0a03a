"""Tests run side by side in workers (pytest-xdist). A device is locked by a file in the temporary folder, so
each worker has a folder of its own: one's test would wait for the other's."""

import os
import tempfile
from pathlib import Path

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(tempfile.gettempdir(), f"psubench-{os.environ['PYTEST_XDIST_TESTRUNUID'][:8]}", worker)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
