"""Where the files lie that several tests read."""

from pathlib import Path

TESTS = Path(__file__).parent.parent
ROOT = TESTS.parent
GOLDEN = TESTS / "golden"
EXAMPLE = ROOT / "reports" / "example"
WRONG = TESTS / "wrong_neurons.py"
"""A plug-in: neurons that are wrong in every way that the gate must notice."""
TINY = TESTS / "support" / "tiny_training.py"
"""A plug-in: networks and data small enough to train in a test."""
