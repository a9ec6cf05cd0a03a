"""An NVIDIA GPU, timed by its own events and by the clock of the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat
from typing import Any

import torch

from psubench.devices.cpu import process_counters
from psubench.devices.device import Counters, Sample
from psubench.devices.nvml import Gpu, Nvml
from psubench.errors import UnsupportedError


class Cuda:
    """Times calls that return before their work is done.

    Attributes:
        min_sample_ns: events have a resolution of about 500 ns.
    """

    min_sample_ns = 100_000

    def __init__(self, index: int, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """Makes GPU `index` current and its events ready.

        Args:
            index: among the GPUs that CUDA sees.
            clock: nanoseconds, monotonic.

        Raises:
            UnsupportedError: torch cannot use this GPU.
        """
        self.name = self.torch_device = f"cuda:{index}"
        self._index, self._clock = index, clock
        try:
            # First, because a torch without CUDA reports that only here; it lacks the functions below.
            torch.cuda.init()  # type: ignore[no-untyped-call]  # torch has no types here
            torch.cuda.set_device(index)
            self._start, self._stop = _event(), _event()
            # torch creates an event when it is first recorded: do that here, not in the first window.
            self._start.record()
            self._stop.record()
            self.synchronize()
            self._properties = torch.cuda.get_device_properties(index)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise UnsupportedError(
                f"torch {torch.__version__} cannot use {self.name}: {reason}",
                "update the NVIDIA driver, install a torch built for it, or use --device cpu",
            ) from None
        self._nvml = Nvml()
        # By UUID, because NVML's index ignores CUDA_VISIBLE_DEVICES.
        self._gpu: Gpu | None = self._nvml.gpu(f"GPU-{self._properties.uuid}")

    def synchronize(self) -> None:
        """Waits for all streams of the GPU."""
        torch.cuda.synchronize(self._index)

    def sample(self, label: str, call: Callable[[], object], loops: int, kept: int = 0) -> Sample:  # noqa: ARG002
        """Wall time until the GPU is done, and time between two events around the work, in ns.

        The second includes gaps in which the GPU waits for its next kernel: a launch-bound neuron is slow.
        """
        clock, start, stop = self._clock, self._start, self._stop
        stream = torch.cuda.current_stream(self._index)
        before, after = repeat(None, kept), repeat(None, loops - kept - 1)
        self.synchronize()
        began = clock()
        start.record(stream)
        for _ in before:
            call()
        result = call()
        for _ in after:
            call()
        stop.record(stream)
        self.synchronize()
        ended = clock()
        return Sample(ended - began, round(start.elapsed_time(stop) * 1e6), result)

    def settle(self, input_bytes: int | None) -> None:
        """Nothing to prepare: torch keeps memory that it has allocated once."""

    def peak_memory(self, call: Callable[[], object]) -> int | None:
        """Bytes that torch has allocated on the GPU at the peak of a call, above what it held before."""
        self.synchronize()
        torch.cuda.reset_peak_memory_stats(self._index)
        before = torch.cuda.memory_allocated(self._index)
        result = call()
        self.synchronize()
        del result
        return torch.cuda.max_memory_allocated(self._index) - before

    def counters(self) -> Counters:
        """Counters of the process on the host, all threads."""
        return process_counters()

    def state(self) -> dict[str, Any]:
        """What NVML reports for this GPU, see `nvml.Gpu.state`."""
        if self._gpu is None:
            return {"unknown": {"all": self._nvml.reason or "NVML does not know a GPU with this UUID"}}
        return self._gpu.state()

    def throttled(self) -> list[str]:
        """Active reasons for lowered clocks: heat, power or hardware."""
        return [] if self._gpu is None else self._gpu.slowdowns()

    def describe(self) -> dict[str, Any]:
        """GPU, memory in bytes, compute capability, driver and CUDA version of torch."""
        properties = self._properties
        return {
            "name": properties.name,
            "uuid": str(properties.uuid),
            "memory_bytes": properties.total_memory,
            "compute_capability": f"{properties.major}.{properties.minor}",
            "multiprocessors": properties.multi_processor_count,
            "driver": self._nvml.driver(),
            "cuda": torch.version.cuda,
        }


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch has no types here
