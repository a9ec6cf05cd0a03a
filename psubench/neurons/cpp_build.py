"""The C++ operators of the fused neurons: built once per machine, cached, loaded.

The library is built for this particular processor, so its name in the cache is a hash of everything that it
depends on: sources, flags, compiler, torch, processor. A machine that shares the folder with another one
does not find its own file there and builds one. The file gets its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from torch import Tensor
from torch.utils import cpp_extension

from psubench.devices.worker_environment import MARCH
from psubench.errors import UnsupportedError

SOURCES = (
    "fused.cpp", "fused_passes.h", "fused_serial.h", "fused_neurons.h", "fused_stateful.h", "fused_lif.h",
    "fused_band.h", "fused_blocks.h", "fused_values.h",
)  # fmt: skip
BUILD_SECONDS = 600
_HERE = Path(__file__).parent
_FLAGS = (
    "-std=c++20", "-O3", "-fopenmp", "-fPIC", "-shared",
    # No loop may depend on errno or floating-point traps: both keep it from becoming vector code.
    "-fno-math-errno", "-fno-trapping-math",
)  # fmt: skip
_CHUNK = 16  # CHUNK in fused_serial.h


@cache
def ops() -> Any:
    """The operators, `torch.ops.psubench`; builds the library if this machine has none yet (a minute).

    Errors: UnsupportedError without a C++ compiler, or if it fails.
    """
    path = library()
    try:
        torch.ops.load_library(path)  # type: ignore[no-untyped-call]
    except OSError as error:
        raise UnsupportedError(
            f"cannot load {path}: {' '.join(str(error).split())}", "delete that file; it will be built again"
        ) from None
    _register_fakes()
    return torch.ops.psubench


def library() -> Path:
    """The shared library for this machine, from the cache or built into it."""
    folder = cache_folder()
    path = folder / f"fused-{fingerprint(compiler())}.so"
    if path.exists():
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The kernel releases the lock when its holder dies.
        with FileLock(folder / f"{path.name}.lock"):
            if not path.exists():
                _build(path)
    except OSError as error:
        raise UnsupportedError(
            f"cannot build fused neurons in {folder}: {error.strerror or error}",
            "set TORCH_EXTENSIONS_DIR to a folder that can be written",
        ) from None
    return path


def compiler() -> str:
    """The C++ compiler that torch uses; UnsupportedError if there is none."""
    name: str = cpp_extension.get_cxx_compiler()  # type: ignore[no-untyped-call]
    if shutil.which(name) is None:
        raise UnsupportedError(
            f'this needs a C++ compiler, and "{name}" was not found',
            "install g++ (Debian, Ubuntu: apt install g++), or name one with CXX=/path/to/c++",
        )
    return name


def cache_folder() -> Path:
    """Where torch keeps what it builds: TORCH_EXTENSIONS_DIR, or its folder in the user's cache."""
    root = os.environ.get("TORCH_EXTENSIONS_DIR") or cpp_extension.get_default_build_root()
    return Path(root, "psubench")


def fingerprint(cxx: str) -> str:
    """16 hexadecimal digits that name a library built by the compiler `cxx` on this machine."""
    version = subprocess.run([cxx, "--version"], capture_output=True, text=True, check=False).stdout
    parts = {
        "sources": [(_HERE / name).read_text() for name in SOURCES],
        "flags": flags(),
        "compiler": [shutil.which(cxx), version],
        "torch": [torch.__version__, torch.version.git_version],
        "abi": [platform.python_implementation(), platform.python_version(), platform.libc_ver()],
        "processor": processor(),
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def flags() -> list[str]:
    """The compiler's flags, except for paths."""
    # 512-bit registers if there are any: gcc uses 256 bits by default.
    wide = ["-mprefer-vector-width=512"] if platform.machine() in {"x86_64", "AMD64"} else []
    return [*_FLAGS, f"-march={os.environ.get(MARCH, 'native')}", *wide]


def processor() -> list[str]:
    """What distinguishes processors: architecture, model and instruction sets of the first core."""
    lines = []
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        first = ""
    names = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU ")
    lines = [line for line in first.splitlines() if line.startswith(names)]
    return [platform.machine(), platform.processor(), *lines]


def _build(path: Path) -> None:
    """Compiles in a separate folder and moves the library to its place in one step."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="build-") as folder:
        made = Path(folder, path.name)
        includes = [part for where in cpp_extension.include_paths() for part in ("-isystem", where)]
        libraries = [part for where in cpp_extension.library_paths() for part in ("-L", where)]
        command = [
            compiler(), *flags(), *includes, str(_HERE / SOURCES[0]), "-o", str(made),
            *libraries, "-lc10", "-ltorch_cpu",
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise UnsupportedError(
                f"{compiler()} did not build the fused neurons in {BUILD_SECONDS} s", "try on an idle machine"
            ) from None
        if done.returncode != 0:
            said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
            raise UnsupportedError(
                f"{compiler()} cannot build the fused neurons: {said[:300]}",
                "it needs g++ or clang++ with C++20, OpenMP and about 1 GB of memory; choose one with CXX=",
            )
        made.rename(path)


def _register_fakes() -> None:
    """Shapes and dtypes of the results, for torch.compile and fake tensors."""
    fake = torch.library.register_fake

    def like(x: Tensor) -> Tensor:
        return torch.empty_like(x, memory_format=torch.contiguous_format)

    def state(x: Tensor, *shape: int) -> Tensor:
        dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
        return x.new_empty(shape, dtype=dtype)

    def states(x: Tensor, parts: int) -> Tensor:
        return state(x, (x.shape[0] - 1) // _CHUNK, parts, x.numel() // x.shape[0])

    def gradient(x: Tensor | None, due: Tensor) -> Tensor:
        return due.new_empty(0) if x is None else like(x)

    def trained(
        x: Tensor, _q: object, learned: Tensor | None, neuron: str, _numbers: object
    ) -> tuple[Tensor, Tensor]:
        return like(x), states(x, torch.ops.psubench.states(neuron, learned is not None))

    fake("psubench::serial")(lambda x, *_: like(x))
    fake("psubench::serial_train")(trained)
    fake("psubench::serial_backward")(
        lambda _g, x, q, learned, *_: (like(x), gradient(q, x), gradient(learned, x))
    )
    fake("psubench::band")(lambda x, *_: like(x))
    fake("psubench::band_backward")(lambda _g, x, w, b, _alpha: (like(x), like(w), like(b)))
