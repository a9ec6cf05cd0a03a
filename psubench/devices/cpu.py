"""The processor, timed by the clock of the process."""

from __future__ import annotations

import ctypes
import gc
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from psubench.devices import host
from psubench.devices.device import Counters, Sample

HEAP_BYTES = 256 << 20  # at most
LEAST_HEAP_BYTES = 32 << 20
HEAP_PER_INPUT = 64  # the default run takes up to 11 times its input in a call; the rest is for other orders
MADV_POPULATE_WRITE = 23  # Linux 5.14
RESET_PEAK = "5"  # written to clear_refs: the peak of resident memory is what is resident now


@dataclass(frozen=True)
class Cpu:
    """Times calls that are done when they return.

    Attributes:
        clock: nanoseconds, monotonic.
    """

    clock: Callable[[], int] = time.perf_counter_ns
    name: str = "cpu"
    torch_device: str = "cpu"
    min_sample_ns: int = 1_000_000

    def settle(self, input_bytes: int | None) -> None:
        """Takes the heap from the kernel in advance, as much as a layer with this input may need."""
        wanted = HEAP_BYTES if input_bytes is None else HEAP_PER_INPUT * input_bytes
        fault_in_heap(max(LEAST_HEAP_BYTES, min(HEAP_BYTES, wanted)))

    def sample(self, label: str, call: Callable[[], object], loops: int, kept: int = 0) -> Sample:  # noqa: ARG002
        """Wall time of `loops` calls, in ns."""
        clock = self.clock
        before, after = repeat(None, kept), repeat(None, loops - kept - 1)  # count without creating integers
        began = clock()
        for _ in before:
            call()
        result = call()
        for _ in after:
            call()
        return Sample(clock() - began, None, result)

    def peak_memory(self, call: Callable[[], object]) -> int | None:
        """Growth of this process's resident memory at the peak of a call.

        Free memory of the heap is returned to the kernel first, because the call could use it unnoticed.
        None if the system does not let a process reset its peak.
        """
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        try:
            Path("/proc/self/clear_refs").write_text(RESET_PEAK)
        except OSError:
            return None
        before = host.memory_status("VmRSS")
        result = call()
        peak = host.memory_status("VmHWM")
        del result
        return None if before is None or peak is None else max(0, peak - before)

    def counters(self) -> Counters:
        """Of this process, all threads."""
        return process_counters()

    def state(self) -> dict[str, Any]:
        """Load, frequencies in MHz (lowest and highest usable core) and governor."""
        return {
            "load_average": host.load_average(),
            "frequencies_mhz": host.frequencies_mhz(),
            "governor": host.governor(),
        }

    def throttled(self) -> list[str]:
        """Always empty: a CPU does not report throttling of a single round."""
        return []

    def describe(self) -> dict[str, Any]:
        """Processor, memory in bytes, and the instruction set and threads that torch uses."""
        import torch

        return {
            "name": host.cpu_model(),
            "memory_bytes": host.memory_bytes(),
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
        }


def process_counters() -> Counters:
    """Minor page faults and processor time (user and system) of this process so far."""
    return Counters(resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.process_time_ns())


def fault_in_heap(heap_bytes: int) -> None:
    """Makes the heap larger than a block needs, and every page of it this process's own.

    Every round has a different order, so even after the warm-up an allocation sometimes finds no free place
    of its size and the heap must grow: it then grows into memory that the kernel has already supplied. Also,
    a forked worker shares its host's pages until it writes to them: they are copied here, all at once.
    This works with the allocator settings of `worker_environment`. If the system refuses, the rounds may
    cause page faults, which their fault counts will show.
    """
    with suppress(MemoryError):
        b"\1" * heap_bytes  # not zeros, for which calloc would touch nothing
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        for line in Path("/proc/self/maps").read_text().splitlines():
            addresses, mode, *_ = line.split()
            if mode == "rw-p":
                start, end = (int(address, 16) for address in addresses.split("-"))
                libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), MADV_POPULATE_WRITE)
