"""How much memory does a case take at its peak? One case in one worker process, never while timing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch

from psubench import neurons
from psubench.devices import open_device
from psubench.measure import inputs, subjects
from psubench.measure.job import AtWork
from psubench.records.events import Failed
from psubench.records.measured import Memory, MemoryOutcome
from psubench.records.run import case_of


@dataclass
class MemoryProbe(AtWork):
    """State of a worker while it measures its case."""

    def run(self) -> Memory:
        """Measures the case, which has passed the gate already; returns its record."""
        ((key, name, text, mode),) = self.job.entries
        outcome = MemoryOutcome(key=key, neuron=name, status="ok", message=None)
        try:
            outcome.peak_memory_bytes = self._peak(name, text, mode)
        except BaseException as error:  # the boundary of the worker: a plug-in may raise anything
            outcome.fail(error)
            self.say(Failed(name, outcome.status, outcome.message))
        return Memory(case=case_of(self.job.case), cases=[outcome])

    def _peak(self, name: str, text: str, mode: str) -> int | None:
        case = self.job.case
        device = open_device(case["device"], T=case["T"], phase=case["phase"], seed=self.job.seed)
        given = inputs.make(case, self.job.seed)
        x = given.x.to(device.torch_device, getattr(torch, case["dtype"]))
        mark = partial(self.mark, name, "memory")
        mark()
        subject = subjects.build(case, neurons.parse(text), mode, given, x, self.job.seed, mark)
        subject.load(self.job.checkpoint)
        del given
        with subject.grad_mode():
            call = subject.call()
            call()  # what libraries keep for good after their first call is not the case's
            mark()
            return device.peak_memory(call)
