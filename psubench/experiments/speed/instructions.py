"""How many instructions does a call take? In a process that `compare.git.valgrind_host` has forked."""

from __future__ import annotations

import gc
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from msgspec import convert

from psubench.experiments.speed.work import WorkProbe
from psubench.measure.job import Job
from psubench.measure.subject import Subject
from psubench.measure.work.callgrind import COUNTED, WARM_UP, Dumps, switch_on
from psubench.neurons.calling import set_seed
from psubench.records.failures import classify


def count(job: Mapping[str, Any], written: Path, vgdb: str) -> None:
    """Calls every case of a job, one after the other.

    Args:
        job: a `Job` over several blocks.
        written: gets a line of JSON per case: its key, why it could not be counted or null, and how many
            calls have been counted so far, those of earlier cases included.
        vgdb: as for `callgrind.switch_on`.
    """
    torch.set_num_threads(1)
    probe = WorkProbe(convert(job, Job), lambda *_: None, lambda _: None)
    probe.load_reference()
    dumps = Dumps()
    gc.disable()
    with suppress(Exception):  # what is imported now is not counted, which would take four times as long
        probe.take(probe.job.cases[0])
        probe.applied(Subject.first, *probe.job.entries[0][2:])
    switch_on(vgdb)
    with written.open("w", encoding="utf-8") as file:
        for (key, _, text, mode), case in zip(probe.job.entries, probe.job.cases, strict=True):
            told = None
            try:
                probe.take(case)
                probe.applied(partial(_call, dumps), text, mode)
            except BaseException as error:  # a plug-in may raise anything
                told = classify(error)[1]
            file.write(json.dumps([key, told, dumps.count]) + "\n")
            file.flush()


def _call(dumps: Dumps, subject: Subject) -> None:
    with subject.grad_mode():
        call = subject.call()
        for number in range(WARM_UP + COUNTED):
            set_seed(subject.seed)
            if number < WARM_UP:
                call()
            else:
                dumps.of(call)
