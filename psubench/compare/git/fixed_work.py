"""Fixed work that two revisions are both compared with, as plug-in neurons.

A ratio to the LIF neuron cannot show that LIF itself has changed. `psubench compare --git` copies this
file next to both revisions and uses one of its neurons as the reference, so every neuron, LIF included, is
divided by the same work. It imports nothing from psubench.

There are two, because the fixed work should take as long as the neurons: all neurons of a block are called
equally often per sample, and as often as makes the fastest's sample last a millisecond. A faster one makes
the samples of the others longer, and long samples are disturbed more often; a slower one uses up their time.

It is in every worker that measures a side, whatever version of psubench runs there, so it also reports the
files from which modules were imported: `psubench.compare.git.imported_from` refuses what is not the
revision's.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import ModuleSpec
from typing import Any

import torch
from torch import Tensor, nn


class Loop(nn.Module):
    """v[t] = (u[t-1] + x[t]) / 2, u = v - [v >= 1] for x [T, B, *features]; gives v, not the spikes."""

    def __init__(self, T: int) -> None:  # noqa: ARG002  # how plug-ins are called
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """The potentials, shape of x."""
        u, potentials = torch.zeros_like(x[0]), []
        for x_t in x.unbind(0):
            v = torch.lerp(u, x_t, 0.5)
            u = v - (v >= 1).to(v.dtype)
            potentials.append(v)
        return torch.stack(potentials)


class Products(nn.Module):
    """A relu(A relu(A x)) for x [T, B, *features], A[t,i] = 2^(i-t-1) for i <= t; gives potentials."""

    A: Tensor

    def __init__(self, T: int) -> None:
        super().__init__()
        steps = torch.arange(T, dtype=torch.float32)
        self.register_buffer("A", torch.exp2(steps[None] - steps[:, None] - 1).tril())

    def forward(self, x: Tensor) -> Tensor:
        """The potentials, shape of x."""
        inner = torch.relu(self.A @ torch.relu(self.A @ x.flatten(1)))
        potentials: Tensor = self.A @ inner
        return potentials.view_as(x)


class Watch:
    """A module finder before all others that notes what they find and finds nothing itself."""

    def __init__(self, path: str) -> None:
        self.path = path

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """What the finders after this one return."""
        for finder in [one for one in sys.meta_path if one is not self]:
            spec: ModuleSpec | None = getattr(finder, "find_spec", lambda *_: None)(name, path, target)
            if spec is not None:
                if spec.has_location and spec.origin:
                    self.note([(name, spec.origin)])
                return spec
        return None

    def invalidate_caches(self) -> None:
        """Does nothing: this finder caches nothing."""

    def note_loaded(self) -> None:
        """Notes the loaded modules; for a package only the package, unless a part of it is elsewhere."""
        files = {name: getattr(module, "__file__", None) for name, module in [*sys.modules.items()]}
        known = {name: file for name, file in files.items() if isinstance(file, str) and os.path.isabs(file)}
        roots = {name: os.path.dirname(file) + os.sep for name, file in known.items() if "." not in name}
        self.note(
            [
                (name, file)
                for name, file in known.items()
                if file != __file__
                and ("." not in name or not file.startswith(roots.get(name.partition(".")[0], "\0")))
            ]
        )

    def note(self, found: list[tuple[str, str]]) -> None:
        """Appends lines to the file in one write: several workers may do so."""
        text = "".join(json.dumps(one) + "\n" for one in found)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


if os.environ.get("PSUBENCH_MODULES"):
    watch = Watch(os.environ["PSUBENCH_MODULES"])
    watch.note_loaded()
    sys.meta_path.insert(0, watch)
