"""Slow float64 references of the convolutions over time and of the fixed point.

They share no equation with what they check. Parameters have the names and shapes of the checked neuron.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from psubench.neurons.channels import PerChannel, filled, lazy_norm, uniform, unshaped
from psubench.neurons.reference_parallel import leak, reset, sums
from psubench.neurons.reference_serial import fire
from psubench.neurons.reference_stateful import logistic


def each(values: Tensor, x: Tensor) -> Tensor:
    """Values [C] in a shape that broadcasts to a step of x [T, B, C, *] or [T, B]."""
    return values.reshape(len(values), *[1] * max(x.ndim - 3, 0))


class PRF(PerChannel):
    """z = exp(dt (-1/τ + i θ)) z + dt x in complex numbers; s = H(Re z - Vth)."""

    def __init__(self, *, tau: float, scale: float, threshold: float, alpha: float) -> None:
        super().__init__()
        self.tau, self.scale, self.threshold, self.alpha = tau, scale, threshold, alpha
        self.log_dt, self.log_theta = unshaped(), unshaped()

    def draw(self, count: int) -> None:
        """Parameters as published."""
        uniform(self.log_dt, count, -3 * math.log(10), -math.log(10))
        filled(self.log_theta, (2 * math.pi * (1 - torch.rand(count)) / self.scale).log())

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, C, *]."""
        dt, theta = each(self.log_dt.double().exp(), x), each(self.log_theta.double().exp(), x)
        turn = torch.exp(torch.complex(-dt / self.tau, dt * theta))
        steps = x.double().unbind(0)
        z = torch.zeros_like(steps[0]).to(torch.complex128)
        spikes = []
        for now in steps:
            z = turn * z + dt * now
            spikes.append(fire(z.real - self.threshold, self.alpha))
        return torch.stack(spikes)


class PMSN(PerChannel):
    """z_n = exp(A_n dt) z_n + B̄_n u; y = Re Σ C_n z_n + D u; spikes of the sum of relu(y), step by step."""

    def __init__(self, *, threshold: float) -> None:
        super().__init__()
        self.threshold = threshold
        self.log_dt, self.D = unshaped(), unshaped()
        self.log_rate, self.frequency = unshaped(), unshaped()
        self.B, self.C = unshaped(), unshaped()

    def draw(self, count: int) -> None:
        """The published chain of four compartments."""
        S = torch.zeros(4, 4)
        for n in range(3):
            S[n, n + 1], S[n + 1, n] = 5.0 * (n + 1), -5.0 * (n + 1)
        frequencies, V = torch.linalg.eigh(torch.complex(torch.zeros(4, 4), -S))
        inputs, outputs = V.conj().T @ torch.ones(4, dtype=V.dtype), V[3]
        uniform(self.log_dt, count, -3 * math.log(10), -math.log(10))
        filled(self.D, torch.randn(count))
        filled(self.log_rate, torch.full((count, 4), -math.log(2)))
        filled(self.frequency, frequencies.repeat(count, 1))
        for parameter, values in ((self.B, inputs), (self.C, outputs)):
            filled(parameter, torch.stack([values.real, values.imag], dim=-1).repeat(count, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, C, *]."""
        A = torch.complex(-self.log_rate.double().exp(), self.frequency.double())
        B, C = torch.complex(*self.B.double().unbind(-1)), torch.complex(*self.C.double().unbind(-1))
        turn = torch.exp(A * self.log_dt.double().exp()[:, None])
        gain = (turn - 1) * B / A
        steps = x.double().unbind(0)
        z = [torch.zeros_like(steps[0]).to(torch.complex128) for _ in range(4)]
        drives = []
        for now in steps:
            z = [each(turn[:, n], x) * z[n] + each(gain[:, n], x) * now for n in range(4)]
            y = sum(((each(C[:, n], x) * z[n]).real for n in range(4)), each(self.D.double(), x) * now)
            drives.append(torch.where(y > 0, y, torch.zeros_like(y)))
        return torch.stack(list(self.spikes(drives)))

    def spikes(self, drives: list[Tensor]) -> list[Tensor]:
        """Spikes of the summed drives at every step; the gradient reaches the drive of that step only."""
        total, found = torch.zeros_like(drives[0]), []
        for r in drives:
            taken = self.threshold * torch.floor(total.detach() / self.threshold)
            total = total + r.detach()
            left = total - taken
            s = (left >= self.threshold).to(r.dtype)
            near = (left - self.threshold).abs() < 1
            primitive = torch.where(near, r, r.detach())
            found.append(s + (primitive - primitive.detach()))
        return found


class MulFreePSN(PerChannel):
    """h[t] = Σ_i Wq[i] x[t-(k-1-i) d], Wq the nearest power of two in its logarithm; s = H(BN(h))."""

    def __init__(self, *, k: int, dilation: int, alpha: float) -> None:
        super().__init__()
        self.k, self.dilation, self.alpha = k, dilation, alpha
        self.weight = unshaped()
        self.norm = lazy_norm()

    def draw(self, count: int) -> None:
        """Initial values as in torch's convolutions; offset -1."""
        filled(self.weight, (2 * torch.rand(count, self.k) - 1) / math.sqrt(self.k))
        self.norm.eval()(torch.zeros(1, count, 1, dtype=self.weight.dtype))
        self.norm.train(self.training).bias.fill_(-1)

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, C, *]."""
        W = self.weight.double()
        size = 2.0 ** (W.detach().abs().log() / math.log(2)).round()
        W = W.detach().sign() * size + (W - W.detach())
        steps = x.double().unbind(0)
        h = [
            sum(
                (
                    each(W[:, i], x) * steps[t - (self.k - 1 - i) * self.dilation]
                    for i in range(self.k)
                    if t >= (self.k - 1 - i) * self.dilation
                ),
                torch.zeros_like(steps[0]),
            )
            for t in range(len(steps))
        ]
        return fire(self.normalised(torch.stack(h)), self.alpha)

    def normalised(self, h: Tensor) -> Tensor:
        """The batch norm written out, over all but the channels; h [T, B, C, *] or [T, B]."""
        norm, axes = self.norm, [axis for axis in range(h.ndim) if axis != 2]
        gain, offset = each(norm.weight.double(), h), each(norm.bias.double(), h)
        if self.training:
            mean = h.mean(axes, keepdim=True)
            variance = (h - mean).square().mean(axes, keepdim=True)
        else:
            assert norm.running_mean is not None
            assert norm.running_var is not None
            mean, variance = each(norm.running_mean.double(), h), each(norm.running_var.double(), h)
        return gain * (h - mean) / torch.sqrt(variance + norm.eps) + offset


class FPT(nn.Module):
    """s_0 = σ(α (A x - Vth)); s_k = σ(α (A x - B s_{k-1} - Vth)), H in the last; hard: H in all."""

    def __init__(
        self, *, K: int, hard: bool, tau: float, decay_input: bool, threshold: float, alpha: float
    ) -> None:
        super().__init__()
        self.K, self.hard, self.tau, self.decay_input = K, hard, tau, decay_input
        self.threshold, self.alpha = threshold, alpha

    def forward(self, x: Tensor) -> Tensor:
        """Spikes in float64, [T, B, *features]."""
        U = sums(leak(len(x), self.tau), x.double() * (1 if self.decay_input else self.tau))
        B, taken = reset(len(x), self.tau, self.threshold), torch.zeros_like(U)
        for _ in range(self.K):
            z = U - taken - self.threshold
            s = logistic(z, self.alpha) if self.hard else 1 / (1 + torch.exp(-self.alpha * z))
            taken = sums(B, s)
        return logistic(U - taken - self.threshold, self.alpha)
