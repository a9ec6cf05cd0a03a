"""What a trace of torch.profiler says about a network. Reads the Chrome trace alone and imports no torch."""

from psubench.experiments.profile.trace.events import Event, Trace, read
from psubench.experiments.profile.trace.summary import summarise

__all__ = ["Event", "Trace", "read", "summarise"]
