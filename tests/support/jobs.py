"""Jobs of a worker, for tests that run its probes in their own process."""

from psubench.measure.job import Job


def job_of(case, neuron, reference=None):
    """One entry, with hardly any time to measure."""
    return Job(
        probe="", case=case, entries=[("k", neuron, neuron, "layer")], reference=reference, process=0, seed=0,
        precision=0.5, max_seconds=0.01, max_memory=1 << 34,
    )  # fmt: skip


def ignore(*_):
    """Hears of marks and events."""
