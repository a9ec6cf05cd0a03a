"""The environment of a worker, complete before it starts: these settings are read when libraries load."""

from __future__ import annotations

MARCH = "PSUBENCH_MARCH"
"""Environment variable with the processor that C++ is built for, in place of this one."""


def worker_environment(threads: int, device: str) -> dict[str, str]:
    """Variables to set for a fresh worker process; the rest of the environment stays as it is.

    Args:
        threads: how many the numeric libraries may use.
        device: name of the device that the worker will measure.
    """
    count = str(threads)
    variables = {
        # Each library reads its own; without it, a thread pool has one thread per core of the machine.
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        # The user chose the number: no library may lower it because of the load.
        "OMP_DYNAMIC": "FALSE",
        "MKL_DYNAMIC": "FALSE",
        # Sets and dictionaries of strings are laid out alike in every process.
        "PYTHONHASHSEED": "0",
        # Memory must be handed back and forth without the kernel. By default glibc maps a large block
        # afresh at every allocation and the kernel zeroes it page by page: a sample would time page
        # faults. A higher M_MMAP_THRESHOLD is not enough: glibc refuses more than 32 MiB. So no block is
        # ever mapped ...
        "MALLOC_MMAP_MAX_": "0",
        # ... the heap never shrinks (1 TiB) ...
        "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
        # ... and there is only one, since further arenas would each map and unmap heaps of their own.
        "MALLOC_ARENA_MAX": "1",
    }
    if device.startswith("cuda"):
        # Number GPUs as NVML does: cuda:1 is the one that `psubench list devices` shows as cuda:1.
        variables["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
        # Kernels load at their first call, in the warm-up; loading all of them would delay every worker.
        variables["CUDA_MODULE_LOADING"] = "LAZY"
    return variables
