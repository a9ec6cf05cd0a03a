"""Runs under Valgrind: imports torch once and forks a child per revision, which counts with its own code.

Like the fixed work it imports nothing from psubench: in each child that is the revision's.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any


def main() -> None:
    """Counts what the file asks for that is named by the first argument, and waits until all have ended."""
    import torch.fx.experimental.symbolic_shapes  # noqa: F401  # the first call of autograd.grad imports it

    children = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    gc.collect()
    gc.freeze()
    started = []
    for child in children:
        pid = os.fork()
        if pid == 0:
            _child(**child)
        started.append(pid)
    for pid in started:
        os.waitpid(pid, 0)


def _child(
    folder: str, variables: dict[str, str], written: str, padding: int, job: dict[str, Any], vgdb: str
) -> None:
    """One revision, in the forked process, which ends here.

    Args:
        folder: working folder.
        variables: added to the environment; folders to import from before those that all have.
        written: where the result goes; the name of its process is added.
        padding: objects that are made first, so that everything else lies elsewhere in memory.
        job: what is counted, as `psubench.experiments.speed.instructions.count` takes it.
    """
    kept = [bytearray(37 * number % 5000) for number in range(padding)]
    code = 1
    try:
        os.chdir(folder)
        os.environ.update(variables)
        vars(sys.modules["__main__"])["__file__"] = None  # this file is of neither revision
        sys.path[:0] = [path for path in variables.get("PYTHONPATH", "").split(os.pathsep) if path]
        instructions: Any = importlib.import_module("psubench.experiments.speed.instructions")
        instructions.count(job, Path(f"{written}.{os.getpid()}"), vgdb)
        code = 0
    except BaseException:  # its traceback is all that is left of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        del kept
        os._exit(code)


if __name__ == "__main__":
    main()
