"""How much work does a case do? Each in a process of its own, forked from one that has its input."""

from __future__ import annotations

import gc
import os
import signal
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import msgspec
import torch

from psubench import neurons, plugins
from psubench.devices import open_device
from psubench.measure import inputs, subjects
from psubench.measure.feed import Feed
from psubench.measure.job import AtWork
from psubench.measure.subject import Subject, runs_without_inference
from psubench.measure.work.fingerprint import fingerprint
from psubench.records.events import Failed
from psubench.records.failures import cause_of_death
from psubench.records.fingerprint import FingerprintOutcome, Fingerprints

Count = TypeVar("Count")


@dataclass
class WorkProbe(AtWork):
    """State of a worker while it counts the cases of several blocks."""

    _case: dict[str, Any] | None = None

    def run(self) -> Fingerprints:
        """Counts every entry; returns their record."""
        self.load_reference()
        gc.collect()
        gc.freeze()  # a child's collector must not copy the pages that it shares
        return Fingerprints(
            cases=[
                self._outcome(*entry, case)
                for entry, case in zip(self.job.entries, self.job.cases, strict=True)
            ]
        )

    def load_reference(self) -> None:
        """Here, so that every child has it: fixed work notes their imports."""
        with suppress(Exception):  # whoever counts it says what is wrong with it
            if self.job.reference and (ref := neurons.parse(self.job.reference)).is_plugin:
                plugins.load(ref.kind)

    def take(self, case: dict[str, Any]) -> None:
        """Makes the input of a block, unless the last case had the same."""
        if case != self._case:
            self._case = case
            device = open_device(case["device"], T=case["T"], phase=case["phase"], seed=self.job.seed)
            self.given = inputs.make(case, self.job.seed)
            x = self.given.x.to(device.torch_device, getattr(torch, case["dtype"]))
            self.feed = Feed(x)

    def _outcome(self, key: str, name: str, text: str, mode: str, case: dict[str, Any]) -> FingerprintOutcome:
        self.mark(name, "work")
        self.take(case)
        outcome = _apart(
            FingerprintOutcome(key=key, neuron=text, status="ok", message=None), self, text, mode
        )
        if outcome.status != "ok":
            self.say(Failed(name, outcome.status, outcome.message))
        return outcome

    def applied(self, count: Callable[[Subject], Count], text: str, mode: str) -> Count:
        """What a function gives of a case's subject; under `no_grad` if it does not run in inference mode."""
        assert self._case is not None
        build = partial(
            subjects.build, self._case, neurons.parse(text), mode, self.given, self.feed.given[0],
            self.job.seed, lambda: None, self.feed.given[1],
        )  # fmt: skip
        try:
            return count(self._loaded(build()))
        except Exception as error:
            if self._case["phase"] == "train" or not runs_without_inference(error):
                raise
            return count(self._loaded(build(inference=False)))

    def _loaded(self, subject: Subject) -> Subject:
        subject.load(self.job.checkpoint)
        return subject


def _apart(outcome: FingerprintOutcome, probe: WorkProbe, text: str, mode: str) -> FingerprintOutcome:
    """The outcome of a case that a child of this process counts, which leaves nothing behind for the next."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            outcome.work = probe.applied(fingerprint, text, mode)
        except BaseException as error:  # the boundary of the child: a plug-in may raise anything
            outcome.fail(error)
            traceback.print_exc()
        with suppress(OSError), os.fdopen(writer, "wb") as file:
            file.write(msgspec.json.encode(outcome))
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        told = file.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        return msgspec.json.decode(told, type=FingerprintOutcome)
    except msgspec.DecodeError:
        outcome.status, outcome.message = cause_of_death(code or -signal.SIGKILL, "the process that counts")
        return outcome
