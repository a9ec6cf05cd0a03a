"""Neurons that go through time step by step: the baseline that everything else is compared with.

The loop is as lean as eager mode allows. Input is unbound once: indexing x[t] would give every step a
gradient of full size. With a detached reset the surrogate acts on all T steps at once after the loop.
Without any gradient the loop works in place on two buffers.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn

from psubench.neurons.checks import check_parameters, check_shape
from psubench.neurons.surrogate import heaviside


class Charge(Protocol):
    """The charging of a neuron by the input of a step, before it may fire."""

    def __call__(self, v: Tensor, x_t: Tensor, *, out: Tensor | None = None) -> Tensor:
        """Returns h[t] from v[t-1] and x[t], all [B, *features]; written to `out` if given."""


def integrate(v: Tensor, x_t: Tensor, *, out: Tensor | None = None) -> Tensor:
    """h = v + x."""
    return torch.add(v, x_t, out=out)


def leak_all(v: Tensor, x_t: Tensor, *, rate: float | Tensor, out: Tensor | None = None) -> Tensor:
    """h = v + (x - v)/τ with rate 1/τ: the input decays too."""
    return torch.lerp(v, x_t, rate, out=out)


def leak_potential(v: Tensor, x_t: Tensor, *, keep: float, out: Tensor | None = None) -> Tensor:
    """h = β v + x with keep β."""
    return torch.add(x_t, v, alpha=keep, out=out)


def leak_potential_learned(v: Tensor, x_t: Tensor, *, keep: Tensor, out: Tensor | None = None) -> Tensor:
    """h = β v + x with a learned β, shape []."""
    return torch.addcmul(x_t, v, keep, out=out)


def spikes_without_gradient(x: Tensor, charge: Charge, threshold: float, reset: str) -> Tensor:
    """S[t] = H(h[t] - Vth) for x [T, B, *features], in place, where nothing needs a gradient."""
    v = x.new_zeros(x.shape[1:])
    spikes = torch.empty_like(x, memory_format=torch.contiguous_format)
    for x_t, s in zip(x.unbind(0), spikes.unbind(0), strict=True):
        charge(v, x_t, out=v)
        torch.ge(v, threshold, out=s)
        if reset == "soft":
            v.sub_(s, alpha=threshold)
        else:
            v.addcmul_(v, s, value=-1)
    return spikes


def spikes_detached(x: Tensor, charge: Charge, threshold: float, reset: str, alpha: float) -> Tensor:
    """S with the surrogate gradient, where the reset passes none: v[t] = h - Vth S or (1 - S) h."""
    v = x.new_zeros(x.shape[1:])
    s = torch.empty_like(v)  # one buffer for all steps stays in the cache; no gradient needs it
    potentials = []
    for x_t in x.unbind(0):
        h = charge(v, x_t)
        potentials.append(h)
        if reset == "soft":
            v = torch.sub(h, torch.ge(h.detach(), threshold, out=s), alpha=threshold)
        else:
            v = h.masked_fill(h.detach() >= threshold, 0.0)
    return heaviside(torch.stack(potentials), threshold, alpha)


def spikes_through_reset(x: Tensor, charge: Charge, threshold: float, reset: str, alpha: float) -> Tensor:
    """S with the surrogate gradient, where the reset passes it on to earlier steps."""
    v = x.new_zeros(x.shape[1:])
    spikes = []
    for x_t in x.unbind(0):
        h = charge(v, x_t)
        s = heaviside(h, threshold, alpha)
        spikes.append(s)
        v = torch.sub(h, s, alpha=threshold) if reset == "soft" else torch.addcmul(h, h, s, value=-1)
    return torch.stack(spikes)


class Serial(nn.Module):
    """The loop shared by the serial neurons; a neuron defines `charge`.

    `forward` runs all steps of a layer; `step` runs one, for networks that run step by step.

    Args:
        threshold: Vth > 0.
        alpha: steepness of the surrogate.
        reset: "soft" subtracts Vth from the potential, "hard" sets it to 0.
        detach_reset: whether the reset is left out of the gradient.
    """

    def __init__(self, *, threshold: float, alpha: float, reset: str, detach_reset: bool) -> None:
        super().__init__()
        check_parameters(threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset)
        self.threshold, self.alpha = threshold, alpha
        self.reset, self.detach_reset = reset, detach_reset

    def charge(self, dtype: torch.dtype) -> Charge:
        """One step of the membrane; learned values are given in `dtype`."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Spikes for input current x, both [T, B, *features]."""
        check_shape(x)
        charge = self.charge(x.dtype)
        learns = x.requires_grad or any(parameter.requires_grad for parameter in self.parameters())
        if not (learns and torch.is_grad_enabled()):
            return spikes_without_gradient(x, charge, self.threshold, self.reset)
        spikes = spikes_detached if self.detach_reset else spikes_through_reset
        return spikes(x, charge, self.threshold, self.reset, self.alpha)

    def step(self, x_t: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        """Spikes and membrane potential after one step.

        Args:
            x_t: input current [B, *features].
            v: the potential after the previous step; None before the first, which means 0.
        """
        h = self.charge(x_t.dtype)(torch.zeros_like(x_t) if v is None else v, x_t)
        s = heaviside(h, self.threshold, self.alpha)
        r = s.detach() if self.detach_reset else s
        return s, h.sub(r, alpha=self.threshold) if self.reset == "soft" else torch.addcmul(h, h, r, value=-1)


class IF(Serial):
    """Integrate and fire: no leak."""

    def charge(self, dtype: torch.dtype) -> Charge:  # noqa: ARG002
        """h = v + x."""
        return integrate


class LIF(Serial):
    """Leaky integrate and fire.

    Args:
        tau: membrane time constant in steps, > 1.
        decay_input: h = v + (x - v)/τ if true, else h = β v + x.
        threshold, alpha, reset, detach_reset: as for `Serial`.
    """

    def __init__(
        self, *, tau: float, decay_input: bool, threshold: float, alpha: float, reset: str, detach_reset: bool
    ) -> None:
        super().__init__(threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset)
        check_parameters(tau=tau, decay_input=decay_input)
        self.tau, self.decay_input = tau, decay_input

    def charge(self, dtype: torch.dtype) -> Charge:  # noqa: ARG002
        """h = v + (x - v)/τ, or h = β v + x."""
        rate = 1 / self.tau
        return partial(leak_all, rate=rate) if self.decay_input else partial(leak_potential, keep=1 - rate)


class PLIF(LIF):
    """LIF with 1/τ = σ(w), w learned, one per layer, from w0 = -ln(τ0 - 1) (arXiv:2007.05785)."""

    def __init__(
        self, *, tau: float, decay_input: bool, threshold: float, alpha: float, reset: str, detach_reset: bool
    ) -> None:
        super().__init__(
            tau=tau, decay_input=decay_input,
            threshold=threshold, alpha=alpha, reset=reset, detach_reset=detach_reset,
        )  # fmt: skip
        self.w = nn.Parameter(torch.tensor(-math.log(tau - 1)))

    def charge(self, dtype: torch.dtype) -> Charge:
        """As LIF, with the learned rate."""
        rate = torch.sigmoid(self.w).to(dtype)
        if self.decay_input:
            return partial(leak_all, rate=rate)
        return partial(leak_potential_learned, keep=1 - rate)
