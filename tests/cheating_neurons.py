"""Neurons that cheat, leak or lie while they are measured: each is a right LIF neuron but for one trick.

Used as plug-ins: `tests/cheating_neurons.py:Name`.
"""

import gc
import math
import os
import resource
import sys
import threading
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
from wrong_neurons import RightLIF


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


class SpoilsThePython(RightLIF):
    """Hides a module, collects garbage always and slowly, and has the process killed within two seconds."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        sys.modules["math"] = None
        gc.set_threshold(1)
        gc.callbacks.append(lambda *_: time.sleep(0.01))
        soon = int(time.process_time()) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (soon, resource.RLIM_INFINITY))


class SavesHooks(RightLIF):
    """What others save for their gradients is copied."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda saved: saved).__enter__()


class Daemon(RightLIF):
    """Leaves a process in a session of its own, whose parent has ended."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(1000)
            os._exit(0)
        os.wait()


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
    """Raises what is not an Exception."""

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
