"""A neuron in its case, checked against its reference and called: one layer, or a network of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from psubench import models, neurons
from psubench.errors import PsubenchError, WrongError
from psubench.neurons import NeuronRef
from psubench.neurons.calling import grad_mode
from psubench.neurons.outputs import Seen, spikes_of
from psubench.records.bounds import Output
from psubench.training.weights import load

Mark = Callable[[], None]


@dataclass
class Subject:
    """A neuron in its case: `run` is the forward pass that is timed.

    Attributes:
        case: as `Case.canonical` gives it, without neuron and mode.
        ref: the neuron.
        x: the input on its device, without gradient.
        mark: called before each call, to report progress.
        module: with the weights; in training mode in phase `train`.
        other: the input that is fed in turn with x; None to feed x alone.
        inference: whether it runs in inference mode where the phase is not training; else under `no_grad`.
        seen: outputs of its spiking layers on x when they were checked.
        verified: counts of the spikes that the gate has compared, as `activity` gives them; None where
            the gate compares those of another mode.
    """

    case: Mapping[str, Any]
    ref: NeuronRef
    x: Tensor
    seed: int
    mark: Mark
    module: nn.Module
    other: Tensor | None = field(default=None, kw_only=True)
    inference: bool = field(default=True, kw_only=True)
    seen: Seen = field(default_factory=Seen, init=False)
    verified: dict[str, Any] | None = field(default=None, init=False)

    def load(self, checkpoint: str | None) -> None:
        """Replaces the fresh weights by trained ones; None keeps them.

        Raises:
            PsubenchError: the weights are of something else.
        """
        if checkpoint is not None:
            model = models.parse(self.case["model"])
            found = load(Path(checkpoint), model=model, neuron=self.ref, T=self.case["T"])
            found.into(self.module)

    @property
    def train(self) -> bool:
        """Whether the phase is training."""
        return bool(self.case["phase"] == "train")

    @property
    def output(self) -> Output:
        """What its neuron gives, one of `neurons.OUTPUTS`: of a plug-in, what was seen."""
        kind = self.seen.kind if self.ref.is_plugin else neurons.output(self.ref)
        return cast("Output", kind)

    def grad_mode(self) -> AbstractContextManager[object]:
        """The mode in which it is checked and timed."""
        return grad_mode(train=self.train, inference=self.inference)

    def run(self, x: Tensor) -> Tensor:
        """The forward pass that is timed."""
        output: Tensor = self.module(x)
        return output

    def check(self) -> str | None:
        """Why the spikes are not verified; None if a reference has confirmed them.

        Raises:
            WrongError: the subject does not compute what it claims to.
        """
        doubt = self._check()
        if self.verified is not None and self.activity() != self.verified:
            raise WrongError("the spikes that are counted are not those that were compared")
        return doubt

    def _check(self) -> str | None:
        raise NotImplementedError

    def activity(self) -> dict[str, Any]:
        """Counts of all spikes on the input, with the seed set."""
        raise NotImplementedError

    def leaves(self, x: Tensor) -> list[Tensor]:
        """The tensors whose gradients training needs; `x` requires one."""
        raise NotImplementedError

    def least_bytes(self) -> int | None:
        """What a call must move through memory at least; None if unknown."""
        return None

    @property
    def layers(self) -> list[nn.Module]:
        """The spiking layers."""
        return [self.module]

    def first(self) -> None:
        """Calls it once in every way in which it will be checked on its input and timed."""
        self.activity()
        with self.grad_mode():
            self.call()()

    def call(self) -> Callable[[], tuple[int, Any]]:
        """One unit of work: the forward pass, in training with its backward pass.

        The inputs take turns, so that a cached output does not look fast. The call returns the number
        of its input and its output, in training with the gradients. The loss is linear in the output, so
        its gradient is a fixed tensor. `autograd.grad` returns fresh gradients and accumulates none, so
        there is nothing to clear.
        """
        inputs = [self.x, self.x if self.other is None else self.other]
        turn, run = cycle(range(2)).__next__, self.run
        if not self.train:

            def forward() -> tuple[int, Any]:
                number = turn()
                return number, run(inputs[number])

            return forward
        leaves = []
        for number, x in enumerate(inputs):
            leaf = x.detach().requires_grad_(True)
            leaves.append(self.leaves(leaf))
            if any(one is leaf for one in leaves[-1]):
                inputs[number] = leaf
        generator = torch.Generator().manual_seed(self.seed)
        shape = spikes_of(run(inputs[0])).shape
        cotangent = torch.randn(shape, generator=generator).to(self.x.device, self.x.dtype)

        def both_ways() -> tuple[int, Any]:
            number = turn()
            output = run(inputs[number])
            return number, (
                output, torch.autograd.grad(spikes_of(output), leaves[number], cotangent, allow_unused=True)
            )  # fmt: skip

        return both_ways


def runs_without_inference(error: BaseException) -> bool:
    """Whether a subject that raised in inference mode may still run under `no_grad`."""
    beyond = (WrongError, PsubenchError, MemoryError, torch.OutOfMemoryError)
    return isinstance(error, Exception) and not isinstance(error, beyond)
