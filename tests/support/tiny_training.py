"""A data set and networks so small that a training takes a second: plug-ins for the tests of training."""

import time

import torch
from torch import nn

from psubench.neurons.surrogate import heaviside


def digits(T, batch, seed, split):
    """Three classes, told apart by which of six inputs are busy; 60 training samples, 30 for testing."""
    draw = torch.Generator().manual_seed({"train": 1, "test": 2}[split])
    count = {"train": 60, "test": 30}[split]
    labels = torch.arange(count) % 3
    rates = torch.full((3, 6), 0.1)
    for label in range(3):
        rates[label, 2 * label : 2 * label + 2] = 0.9
    x = (torch.rand(T, count, 6, generator=draw) < rates[labels]).float()
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed % 2**31))
    order = order if split == "train" else torch.arange(count)
    for start in range(0, count, batch):
        chosen = order[start : start + batch]
        yield x[:, chosen], labels[chosen]


digits.classes = 3


def slow_digits(T, batch, seed, split):
    """The same, a fifth of a second per batch: a training that can be killed in the middle."""
    for pair in digits(T, batch, seed, split):
        time.sleep(0.2)
        yield pair


slow_digits.classes = 3


class Plain(nn.Module):
    """Two layers without normalisation, so that samples of a batch do not see each other."""

    input_shape = (6,)

    def __init__(self, neuron, T, dropout=0.0):
        super().__init__()
        self.first, self.neuron1 = nn.Linear(6, 12), neuron()
        self.drop = nn.Dropout(dropout)
        self.second, self.neuron2 = nn.Linear(12, 12), neuron()
        self.last = nn.Linear(12, 3)

    def per_step(self, x):
        return self.last(self.neuron2(self.second(self.drop(self.neuron1(2 * self.first(x))))))

    def forward(self, x):
        return self.per_step(x).mean(0)


class Diverges(Plain):
    """Its sixth training step gives infinite logits: the seventh call, as the first is the gate's."""

    steps = 0

    def forward(self, x):
        self.steps += self.training
        return super().forward(x) * (float("inf") if self.training and self.steps == 7 else 1)


class MeanOnly(nn.Module):
    """Has no outputs of single steps."""

    input_shape = (6,)

    def __init__(self, neuron, T):
        super().__init__()
        self.neuron1, self.last = neuron(), nn.Linear(6, 3)

    def forward(self, x):
        return self.last(self.neuron1(x).mean(0))


THRESHOLD = nn.Parameter(torch.tensor(0.5))


class SharedThreshold(nn.Module):
    """A neuron all of whose layers hold the same learned threshold."""

    causal = True

    def __init__(self, T):
        super().__init__()
        self.threshold = THRESHOLD

    def forward(self, x):
        v, out = torch.zeros_like(x[0]), []
        for now in x:
            h = v + (now - v) / 2
            s = heaviside(h - self.threshold, 0.0, 2.0)
            v = h - s.detach()
            out.append(s)
        return torch.stack(out)


class Buffered(nn.Module):
    """A neuron that keeps its membrane in a buffer, which a call leaves in the shape of its batch."""

    causal = True

    def __init__(self, T, first=0):
        super().__init__()
        self.register_buffer("v", None if first is None else torch.zeros(first))

    def forward(self, x):
        v, out = torch.zeros_like(x[0]), []
        for now in x:
            h = v + (now - v) / 2
            s = heaviside(h, 0.5, 2.0)
            v = h - s.detach()
            out.append(s)
        self.v = v.detach()
        return torch.stack(out)


class Tied(Plain):
    """One weight in two layers, one more that is a part of another, and a whole layer that is used twice."""

    def __init__(self, neuron, T):
        super().__init__(neuron, T)
        self.third = nn.Linear(12, 12)
        self.third.weight = self.second.weight
        self.again = self.third
        self.register_buffer("part", self.first.weight.detach()[:3])

    def per_step(self, x):
        return self.last(self.neuron2(self.again(self.third(self.neuron1(2 * self.first(x))))))


class Remembers(Plain):
    """Keeps something that is not a tensor in its state."""

    def get_extra_state(self):
        return {"words": "of its own"}

    def set_extra_state(self, state):
        pass


class Fatal(Plain):
    """Dies like a crash in a library."""

    def forward(self, x):
        import os
        import signal

        os.kill(os.getpid(), signal.SIGSEGV)
