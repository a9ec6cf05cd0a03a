"""Trainings small enough for a test."""

import torch
from support.places import TINY

from psubench.records.events import Recorded
from psubench.training import checkpoint
from psubench.training.case import training
from psubench.training.recipe import Augment, Recipe, Task
from psubench.training.session import Work


def case(neuron="psu", seed=0, epochs=4, model=f"{TINY}:Plain(dropout=0.3)", name="digits", **values):
    recipe = Recipe(**{"epochs": epochs, "batch": 16, "augment": Augment(drop=0.1, time_shift=1), **values})
    task = Task(model=model, data=f"{TINY}:{name}", T=4, recipe=recipe)
    return training(task, neuron, seed=seed, device="cpu", threads=1)


def work(case, folder, stop_after=None):
    events = []

    def say(event):
        events.append(event)
        # the epoch after `stop_after` ends before its checkpoint is written
        if stop_after and isinstance(event, Recorded) and event.record["epoch"] == stop_after + 1:
            raise KeyboardInterrupt

    outcome = Work(case, folder, say).run()
    return outcome, events


def newest(folder):
    return checkpoint.newest(folder, lambda text: None)


def assert_equal(a, b):
    """Bit for bit, through all dictionaries and lists."""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            if "seconds" not in str(key):
                assert_equal(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_equal(one, other)
    elif isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    else:
        assert a == b
