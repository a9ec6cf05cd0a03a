"""What every test has: device locks of its own, and signals as a terminal gives them.

Whatever else measures on this machine is nothing that the tests wait for; those that run side by side
(pytest-xdist) have locks and a temporary folder each, for the same reason.
"""

import gc
import os
import signal
import tempfile
from pathlib import Path

import pytest

if worker := os.environ.get("PYTEST_XDIST_WORKER"):
    folder = Path(tempfile.gettempdir(), f"psubench-{os.environ['PYTEST_XDIST_TESTRUNUID'][:8]}", worker)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
locks = tempfile.TemporaryDirectory(prefix="psubench-locks-")  # removed when the tests end
os.environ["PSUBENCH_LOCKS"] = locks.name
os.environ["PSUBENCH_FIGURES"] = "0"  # a third of a short run; tests that look at them ask for them
# Before torch is imported: where several processes run tests and each has a thread per core, threads wait for
# each other, busily, longer than they compute. What tests threads sets their number.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["COLUMNS"] = "80"  # tables are as wide as in a pipe, whatever terminal the tests run in

# Under nohup, and in the background of a script, a process starts with signals ignored, and so would the
# programs that tests start; they are sent these signals.
for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    if signal.getsignal(ending) is signal.SIG_IGN:
        signal.signal(ending, signal.default_int_handler if ending == signal.SIGINT else signal.SIG_DFL)


LONGEST = (
    "test_worktrees",
    "test_schedule",
    "test_docs_commands",
    "test_examples",
    "test_gate",
    "test_suite_file",
)


def pytest_collection_modifyitems(items):
    """The longest files come first, then those with slow tests: in the end no worker should wait for one."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, item.path.stem not in LONGEST))


@pytest.fixture(autouse=True, scope="module")
def _small_heap():
    """What earlier modules have left is not looked through by each `gc.collect()` of what measures."""
    gc.freeze()
    yield
    gc.unfreeze()
