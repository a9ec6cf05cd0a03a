"""Whether torchrun, or something that sets the same variables, started this process. Imports no torch."""

from __future__ import annotations

import os


def launched() -> bool:
    """Whether this process is one of several that train together."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def follows() -> bool:
    """Whether another process writes the files."""
    return launched() and os.environ["RANK"] != "0"
