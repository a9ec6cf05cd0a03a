"""A small sample of the random sweep; all of it is `python scripts/sweep_counter.py 1000`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent.parent / "scripts" / "sweep_counter.py"


def test_no_random_network_is_called_complete_and_differs_from_brute_force():
    done = subprocess.run(
        [sys.executable, SCRIPT, "25", "--seed", "11"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert int(first.split()[2]) >= 10, done.stdout  # else the sample says nothing
    assert second.endswith("0 silent differences")
