"""A plan of looks that takes less time."""

from psubench.compare import looks as planned
from psubench.compare.git import ab_run


def plan(monkeypatch, sizes):
    """Many cases and few are measured by so many processes per side and look."""
    for module in (ab_run, planned):
        monkeypatch.setattr(module, "LOOKS", sizes)
    monkeypatch.setattr(planned, "FEW_LOOKS", sizes)
