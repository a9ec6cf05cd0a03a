"""One epoch after the other: forward, loss, backward, step. Prints nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from psubench import data
from psubench.errors import CASE_FAILED, PsubenchError
from psubench.records.events import Step
from psubench.training import weights
from psubench.training.augment import augmented
from psubench.training.case import Training
from psubench.training.distributed import Group
from psubench.training.losses import PerStep, loss_sum
from psubench.training.network import network_of, set_lambda
from psubench.training.optimizer import optimizer_of, schedule_of
from psubench.training.time_probe import presented

_CHECK_STEPS = 20
"""Number of losses that are checked together: a check makes a GPU wait and synchronises the processes."""
_TELL_SECONDS = 0.5

OnStep = Callable[[Step], None]


class DivergedError(PsubenchError):
    """The loss is not a finite number any more."""


class Trainer:
    """A network in training, and everything that changes with it."""

    def __init__(self, case: Training, group: Group, device: torch.device) -> None:
        """Builds the network from the case's seed.

        Raises:
            PsubenchError: network, data, recipe or device do not fit.
        """
        recipe = case.recipe
        if recipe.precision == "float16" and device.type == "cpu":
            raise PsubenchError(
                "precision float16 trains on a GPU only", "use bfloat16 or float32 on the CPU"
            )
        self.case, self.group, self.device = case, group, device
        self.network = network_of(case)
        self.network.module.to(device)
        per_step = recipe.loss == "tet"
        whole = PerStep(self.network.module) if per_step else self.network.module
        self.trained = group.wrapped(whole, device)
        self.samples = data.count(case.data, "train", T=case.T, batch=recipe.batch)
        steps = -(-self.samples // recipe.batch) * recipe.epochs
        self.optimizer = optimizer_of(self.network.module, recipe)
        self.schedule = schedule_of(self.optimizer, recipe, steps)
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")
        self.epoch = 0
        # The same weights everywhere, but separate random draws in each process.
        torch.manual_seed(case.seed + 1_000_003 * (group.rank + 1))

    def train(self, on_step: OnStep) -> dict[str, Any]:
        """One epoch.

        Args:
            on_step: called about twice a second with the progress of the epoch.

        Returns:
            `epoch`, from 1; `loss` and `accuracy` over the training samples as they were used; `seconds`
            of the epoch without the evaluation, and `data_seconds` of them in which a batch was made;
            `learning_rate` of its last step.

        Raises:
            DivergedError: the loss is infinite or NaN; the message gives the step.
        """
        set_lambda(self.network, self.case, self.epoch)
        self.network.module.train()
        began, waited, told = time.perf_counter(), 0.0, time.perf_counter()
        losses: list[Tensor] = []
        totals = torch.zeros(3, dtype=torch.float64, device=self.device)
        for whole, waiting in self._batches():
            waited += waiting
            rate = self.optimizer.param_groups[0]["lr"]
            losses.append(self._step(*whole, totals))
            if len(losses) % _CHECK_STEPS == 0:
                self._check(losses[-_CHECK_STEPS:], len(losses) - _CHECK_STEPS)
            now = time.perf_counter()
            if now - told > _TELL_SECONDS:
                told = now
                on_step(self._progress(totals, now - began))
        rest = len(losses) % _CHECK_STEPS
        self._check(losses[-rest:] if rest else [], len(losses) - rest)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        seconds = time.perf_counter() - began
        self.epoch += 1
        times = {"seconds": seconds, "data_seconds": waited, "learning_rate": rate}
        return {"epoch": self.epoch, **_means(self.group.sums(totals)), **times}

    def _batches(self) -> Iterator[tuple[tuple[Tensor, Tensor], float]]:
        """The epoch's batches, each with the seconds that it took to make."""
        # Order by seed and epoch: continuing needs no sampler state.
        seed = int(np.random.SeedSequence([self.case.seed, self.epoch]).generate_state(1)[0])
        batches = self.case.batches("train", seed)
        while True:
            began = time.perf_counter()
            whole = next(batches, None)
            if whole is None:
                return
            yield whole, time.perf_counter() - began

    def _step(self, x: Tensor, labels: Tensor, totals: Tensor) -> Tensor:
        """One step of the optimizer; returns the loss, summed over this process's samples.

        The gradient is of the mean over the samples of all processes, however they are distributed.
        """
        recipe, kind = self.case.recipe, self.device.type
        of_all = len(labels)
        own_x, own_labels = self.group.share(x, labels)
        weight = self.group.size / of_all  # the processes' gradients will be averaged
        if not len(own_labels):  # backward must run in every process
            own_x, own_labels, weight = x[:, :1], labels[:1], 0.0
        x, labels = augmented(own_x.to(self.device), recipe.augment), own_labels.to(self.device)
        x = presented(self.case, x)
        self.optimizer.zero_grad(set_to_none=True)
        dtype = getattr(torch, recipe.precision)
        with torch.autocast(kind, dtype, enabled=recipe.precision != "float32"):
            out = self.trained(x)
        loss = loss_sum(out, labels, recipe)
        self.scaler.scale(loss * weight).backward()  # type: ignore[no-untyped-call]
        if recipe.clip:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.module.parameters(), recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.schedule.step()
        with torch.no_grad():
            if weight:
                logits = out if out.dim() == 2 else out.mean(0)
                right = (logits.argmax(1) == labels).sum()
                totals += torch.stack([loss, right, torch.full_like(right, len(labels))])
            return loss.detach() * (weight > 0)

    def _check(self, losses: list[Tensor], first: int) -> None:
        if not losses:
            return
        values = self.group.sums(torch.stack(losses))
        bad = values.isfinite().logical_not().nonzero()
        if len(bad):
            step = first + int(bad[0]) + 1
            raise DivergedError(
                f"the loss is {values[bad[0]].item()} at step {step} of epoch {self.epoch + 1}",
                "a lower lr or gradient clipping may help",
                CASE_FAILED,
            )

    def _progress(self, totals: Tensor, seconds: float) -> Step:
        loss, _, samples = totals.tolist()
        seen = samples * self.group.size  # approximate: the shares differ by one sample
        return Step(
            epoch=self.epoch + 1,
            done=min(1.0, seen / self.samples) if self.samples else None,
            loss=loss / samples if samples and math.isfinite(loss) else None,
            samples_per_second=seen / seconds,
        )

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint without the learning curve; the same in every process."""
        return {
            "case": self.case.canonical(),
            "epoch": self.epoch,
            "model": self.network.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "random": self.group.gathered(self._random()),
        }

    def _random(self) -> dict[str, Any]:
        cuda = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return {"cpu": torch.get_rng_state(), "cuda": cuda}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores `state`.

        Raises:
            PsubenchError: it was taken by another number of processes.
        """
        if len(state["random"]) != self.group.size:
            raise PsubenchError(
                f"the checkpoint is of {len(state['random'])} processes, this run has {self.group.size}",
                f"continue with torchrun --nproc_per_node {len(state['random'])}"
                if len(state["random"]) > 1
                else "continue without torchrun",
            )
        self.epoch = state["epoch"]
        weights.put(self.network.module, state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        set_lambda(self.network, self.case, self.epoch)
        random = state["random"][self.group.rank]
        torch.set_rng_state(random["cpu"])
        if random["cuda"] is not None:
            torch.cuda.set_rng_state(random["cuda"], self.device)


def _means(totals: Tensor) -> dict[str, Any]:
    """Loss and accuracy per sample from the sums of loss, correct answers and samples."""
    loss, correct, samples = totals.tolist()
    return {"loss": loss / samples, "accuracy": correct / samples, "samples": int(samples)}
