"""Neurons that are wrong, and neurons that misbehave: what the gate and the runner must withstand.

Used as plug-ins: `tests/wrong_neurons.py:Name`. The wrong ones are a LIF neuron (tau 2, soft detached
reset) but for one fault, and declare the true one as their reference.
"""

import math
import os
import sys
import threading
import time

import torch
from torch import nn


def fire(v, threshold=1.0, alpha=2.0):
    """H(v - threshold) in value, the arctangent surrogate in gradient."""
    z = v - threshold
    g = torch.atan(math.pi / 2 * alpha * z) / math.pi + 0.5
    return (z >= 0).to(v.dtype) + (g - g.detach())


class TrueLIF(nn.Module):
    """LIF in float64; the truth for the neurons below."""

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        v, spikes = torch.zeros_like(x[0], dtype=torch.float64), []
        for now in x.double().unbind(0):
            h = v + (now - v) / 2
            spikes.append(fire(h))
            v = h - spikes[-1].detach()
        return torch.stack(spikes)


class TrueThreshold(nn.Module):
    """S = H(x - 1) in float64; the truth for Spin."""

    def __init__(self, T, ms=0):
        super().__init__()

    def forward(self, x):
        return fire(x.double())


class RightLIF(nn.Module):
    """A correct LIF neuron whose constants the wrong ones change."""

    reference = TrueLIF
    causal = True
    tau, threshold, alpha = 2.0, 1.0, 2.0

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return self.run(x, torch.zeros_like(x[0]))[0]

    def run(self, x, v):
        spikes = []
        for now in x.unbind(0):
            h = v + (now - v) / self.tau
            spikes.append(fire(h, self.threshold, self.alpha))
            v = h - spikes[-1].detach()
        return torch.stack(spikes), v


class NoReference(RightLIF):
    """Correct, but nobody can tell."""

    reference = None


class WrongSpikes(RightLIF):
    """tau is off by one per cent."""

    tau = 2.02


class WrongTie(RightLIF):
    """The threshold is off by a thousandth."""

    threshold = 1.001


class WrongGradient(RightLIF):
    """Right spikes, a flatter surrogate."""

    alpha = 1.8


class FutureSpikes(RightLIF):
    """A hundredth of the next step's input leaks in."""

    def forward(self, x):
        return super().forward(x + 1e-2 * torch.cat([x[1:], torch.zeros_like(x[:1])]))


class HalfPrecision(RightLIF):
    """Computes in bfloat16, whatever it is given."""

    def forward(self, x):
        return super().forward(x.bfloat16()).to(x.dtype)


class Stateful(RightLIF):
    """Goes on where the last call of the same shape left its membrane."""

    v = None

    def forward(self, x):
        start = self.v if self.v is not None and self.v.shape == x.shape[1:] else torch.zeros_like(x[0])
        spikes, v = self.run(x, start.to(x))
        self.v = v.detach()
        return spikes


class NotANumber(RightLIF):
    """One entry in its output is NaN."""

    def forward(self, x):
        spikes = super().forward(x).clone()
        spikes.view(-1)[-1] = math.nan
        return spikes


class Raises(RightLIF):
    """Fails in every call."""

    def forward(self, x):
        raise RuntimeError("this neuron raises\nover two lines")


class Hangs(RightLIF):
    """Never returns."""

    def forward(self, x):
        while True:
            time.sleep(3600)


class Allocates(RightLIF):
    """Takes memory, 64 MB at a time, until there is none."""

    def forward(self, x):
        kept = []
        while True:
            kept.append(torch.ones(64 * 2**20 // 4, dtype=torch.float32, device=x.device))


class Crashes(RightLIF):
    """Takes its process with it."""

    def forward(self, x):
        os.abort()


class _Spinning(nn.Module):
    def __init__(self, ms):
        super().__init__()
        self.ns = int(ms * 1e6)

    def forward(self, x):
        end = time.perf_counter_ns() + self.ns
        spikes = fire(x)
        while time.perf_counter_ns() < end:
            pass
        return spikes


def Spin(T, ms=5):
    """S = H(x - 1), and the whole forward pass takes `ms` milliseconds of the host's time."""
    return _Spinning(ms)


Spin.reference = TrueThreshold
Spin.causal = True


class NoOp(nn.Module):
    """Does nothing; without a reference, since it is no neuron."""

    def __init__(self, T):
        super().__init__()

    def forward(self, x):
        return x * 1


class Holder(RightLIF):
    """Counts its calls, for those that change with them."""

    calls = 0

    def forward(self, x):
        self.calls += 1
        return super().forward(x)


class EveryTenth(Holder):
    """Zeros in every tenth call."""

    def forward(self, x):
        spikes = super().forward(x)
        return torch.zeros_like(x) if self.calls % 10 == 0 else spikes


class Late(Holder):
    """Zeros from its 35th call on."""

    def forward(self, x):
        spikes = super().forward(x)
        return torch.zeros_like(x) if self.calls >= 35 else spikes


class OnlyInference(RightLIF):
    """Zeros under `inference_mode`."""

    def forward(self, x):
        return torch.zeros_like(x) if torch.is_inference_mode_enabled() else super().forward(x)


def _called_by(name):
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_name == name:
            return True
        frame = frame.f_back
    return False


class NaNWhileTimed(RightLIF):
    """Looks who calls: NaN in a window."""

    def forward(self, x):
        spikes = super().forward(x)
        return spikes * math.nan if _called_by("sample") else spikes


class ZeroWhileTimed(RightLIF):
    """Looks who calls: nothing is computed in a window."""

    def forward(self, x):
        return torch.zeros_like(x) if _called_by("sample") else super().forward(x)


class MemoByAddress(RightLIF):
    """Remembers an output per address, for as many inputs as there are."""

    def forward(self, x):
        known = self.__dict__.setdefault("known", {})
        key = (x.data_ptr(), x.shape)
        if key not in known:
            known[key] = super().forward(x), x
        return known[key][0]


class MemoByVersion(RightLIF):
    """Remembers an output per input until torch writes to it."""

    def forward(self, x):
        known = self.__dict__.setdefault("known", {})
        key = (id(x), x._version if not x.is_inference() else 0, x.shape)
        if key not in known:
            known[key] = super().forward(x), x
        return known[key][0]


class MemoByContent(RightLIF):
    """Remembers an output per values of the first sample of an input."""

    def forward(self, x):
        known = self.__dict__.setdefault("known", {})
        key = (x.shape, tuple(x[:, 0].flatten().tolist()))
        if key not in known:
            known[key] = super().forward(x)
        return known[key]


class WritesLater(Holder):
    """Leaves its input alone for thirty calls and then doubles it."""

    def forward(self, x):
        spikes = super().forward(x)
        if self.calls > 30:
            x.mul_(2)
        return spikes


class WritesBehind(Holder):
    """The same, by numpy, which torch does not see."""

    def forward(self, x):
        spikes = super().forward(x)
        if self.calls > 30:
            x.detach().numpy()[...] *= 2
        return spikes


class ShortOfPrecision(RightLIF):
    """Half precision where T is long."""

    def forward(self, x):
        return super().forward(x.bfloat16()).to(x.dtype) if len(x) >= 4 else super().forward(x)


class PatchesTorch(RightLIF):
    """Makes `torch.lerp` and `Tensor.add` of everybody else do something else."""

    def __init__(self, T):
        super().__init__(T)
        torch.lerp = lambda v, *_, out=None: v
        torch.Tensor.sub_ = lambda self, *_, **__: self


class PatchesPsubench(RightLIF):
    """Makes the reference of everybody else, and the clock, lie."""

    def __init__(self, T):
        super().__init__(T)
        from psubench.devices import cpu
        from psubench.neurons import serial

        serial.LIF.forward = lambda self, x: torch.zeros_like(x)
        cpu.Cpu.sample = lambda self, label, call, loops, kept=0: cpu.Sample(1, None, None)
        time.perf_counter_ns = lambda: 0


class PatchesWhileTimed(Holder):
    """Patches an operator in the middle of the measurement."""

    def forward(self, x):
        if self.calls == 30:
            torch.lerp = lambda v, *_, out=None: v
        return super().forward(x)


class SetsDtype(RightLIF):
    """Sets the default dtype in every call."""

    def forward(self, x):
        torch.set_default_dtype(torch.float64)
        return super().forward(x)


class SetsThreads(RightLIF):
    """Takes another number of threads when it is built, and leaves the folder and the environment changed."""

    def __init__(self, T):
        super().__init__(T)
        torch.set_num_threads(3)
        os.environ["OMP_NUM_THREADS"] = "3"
        os.chdir("/")


class Thread(RightLIF):
    """Leaves a thread that works later."""

    def __init__(self, T):
        super().__init__(T)
        threading.Thread(target=lambda: time.sleep(600), daemon=True).start()


class Twin(RightLIF):
    """Forks: the copy goes on in the worker's code."""

    def forward(self, x):
        if not self.__dict__.get("twin"):
            self.twin = os.fork() + 1
        return super().forward(x)


class BusyChild(RightLIF):
    """Forks a process that takes a processor from all others."""

    def forward(self, x):
        if not self.__dict__.get("child"):
            self.child = os.fork()
            while self.child == 0:
                pass
        return super().forward(x)


class Leaks(RightLIF):
    """Opens files until no more can be opened."""

    def forward(self, x):
        kept = self.__dict__.setdefault("kept", [])
        try:
            while True:
                kept.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            return super().forward(x)


class Exits(RightLIF):
    """Ends its process as if all were well."""

    def forward(self, x):
        os._exit(0)


class Interrupts(RightLIF):
    """Raises what is no Exception."""

    def forward(self, x):
        raise KeyboardInterrupt


class Leaves(RightLIF):
    """Raises SystemExit, and only while it is timed."""

    def forward(self, x):
        if _called_by("sample"):
            raise SystemExit(0)
        return super().forward(x)


class Speechless(RightLIF):
    """Raises what cannot be printed."""

    def forward(self, x):
        class SpeechlessError(Exception):
            def __str__(self):
                raise ValueError("no text")

        raise SpeechlessError


class Deep(RightLIF):
    """Recurses without end, after it has lifted the limit."""

    def forward(self, x):
        sys.setrecursionlimit(20_000)
        return self.forward(x)
