"""Tries random combinations of options, and more edits of records and suites than the tests do.

    python scripts/sweep.py --calls 1000 --edits 20

Prints how many were tried, with which exit codes they ended, and what ended in a traceback, in more than
one line, or not at all. Needs the test tools.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import traceback
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
LONGEST_SECONDS = 120


def tried(seed: int) -> tuple[int, int | None, str]:
    """Seed, exit code and, where that is None, what went wrong."""
    sys.path.insert(0, str(TESTS))
    from support.option_sweep import attempt, combination

    signal.signal(signal.SIGALRM, _late)
    signal.alarm(LONGEST_SECONDS)
    try:
        return seed, attempt(seed)[1], ""
    except Exception:
        return seed, None, f"{combination(seed)}\n{traceback.format_exc(limit=-3)}"
    finally:
        signal.alarm(0)


def _late(*_: object) -> None:
    raise TimeoutError(f"not ended after {LONGEST_SECONDS} s")


def main() -> None:
    """Runs both sweeps; exit code 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000, help="combinations of options")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--edits", type=int, default=20, help="times as many edits as tests make; 0: none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    codes, failed = Counter[int](), 0
    with multiprocessing.get_context("spawn").Pool(asked.jobs) as pool:
        for seed, code, problem in pool.imap_unordered(tried, range(asked.first, asked.first + asked.calls)):
            if code is None:
                failed += 1
                print(f"call {seed}: {problem}", flush=True)
            else:
                codes[code] += 1
    print(f"{asked.calls} calls tried, {failed} failed, exit codes {dict(sorted(codes.items()))}", flush=True)
    ended = 0
    if asked.edits:
        tests = [str(path) for path in sorted(TESTS.glob("test_robustness_[rs]*.py"))]
        command = [sys.executable, "-m", "pytest", "-q", "--hypothesis-show-statistics", *tests]
        ended = subprocess.run(
            command, check=False, env={**os.environ, "PSUBENCH_SWEEP": str(asked.edits)}
        ).returncode
    sys.exit(1 if failed or ended else 0)


if __name__ == "__main__":
    main()
