"""The program as a user starts it."""

import subprocess
import sys


def psubench(*arguments, cwd=None):
    command = [sys.executable, "-m", "psubench", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=cwd, timeout=120)
