"""Commands that are killed in the middle of their work: one here, hundreds with PSUBENCH_KILLS=200."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))

from kill_sweep import sweep  # a script, which is in no package

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("PSUBENCH_KILLS", "0"))


def test_nothing_is_lost_doubled_mixed_or_touched(tmp_path):
    done = sweep(KILLS or 1, tmp_path, seed=1, names=None if KILLS else ["speed"])
    assert done.problems == []
    assert done.kills["speed"] > 0
