"""Random networks against brute force: is what `psubench sparsity` calls complete also right?

    python scripts/sweep_counter.py 1000 --seed 0

Every network has one to three synapses of `sweep_operations.py`, with what moves, pads, pools and rewrites
their inputs between them. The brute force reads off the second derivative of a plain form of each synapse
which input reaches which output through which weight, and shares nothing with the counter. A difference is
silent if the counter calls the network complete.
"""

from __future__ import annotations

import argparse
import collections
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from sweep_operations import flat
from sweep_synapses import Plain, Synapse, dyadic, fire, image
from torch import Tensor, nn
from torch.func import jacfwd
from torch.nn import functional

from psubench.activity.network import count

T, B = 2, 2
COUNTS = ("sop_unit", "sop_graded", "sop_dense")
SHAPES = ((3,), (4,), (2, 5), (2, 4, 4), (2, 2, 3, 3))


def brute(f: Plain, x: Tensor, w: Tensor) -> dict[str, int]:
    """Counts of f over its elements: one for each input, weight and output that meet.

    f is linear in x and in w, so that its second derivative is not 0 just where they do.
    """
    x, w = x.detach().double(), w.detach().double()
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.rand(v.shape, generator=generator, dtype=torch.float64) for v in (x, w))
    if x.dim() > 2:
        one = one[:1]  # no convolution mixes samples, and all have the same reach
    met = jacfwd(jacfwd(f, 0), 1)(one, other)  # [*y, *x, *w]
    outputs = met.dim() - x.dim() - w.dim()
    pairs = (met != 0).sum(tuple(range(outputs))).flatten(x.dim()).sum(-1).expand(x.shape)
    return {
        "sop_unit": int(pairs[x.abs() == 1].sum()),
        "sop_graded": int(pairs[(x != 0) & (x.abs() != 1)].sum()),
        "sop_dense": int(pairs.sum()),
    }


def brute_meeting(f: Plain, a: Tensor, b: Tensor) -> dict[str, int]:
    """The same of two activations: effective where neither is 0."""
    met = jacfwd(jacfwd(f, 0), 1)(a.double(), b.double())
    outputs = met.dim() - a.dim() - b.dim()
    pairs = (met != 0).sum(tuple(range(outputs)))

    def both(one: Tensor, other: Tensor) -> int:
        return int((pairs * torch.outer(one.flatten(), other.flatten()).view(pairs.shape)).sum())

    active, unit = both(a != 0, b != 0), both(a.abs() == 1, b.abs() == 1)
    return {"sop_unit": unit, "sop_graded": active - unit, "sop_dense": int(pairs.sum())}


GLUE: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "clone": lambda x: x.clone(),
    "reshape": lambda x: x.reshape(len(x), -1).reshape(x.shape),
    "permuted and back": lambda x: x.transpose(0, -1).contiguous().transpose(0, -1),
    "flip": lambda x: x.flip(-1),
    "roll": lambda x: x.roll(1, -1),
    "cat": lambda x: torch.cat([x[..., :1], x[..., 1:]], -1),
    "stack": lambda x: torch.stack(list(x.unbind())),
    "index": lambda x: x[torch.arange(len(x)).flip(0)],
    "where": lambda x: torch.where(x > 0, x, torch.zeros_like(x)),
    "relu": functional.relu,
    "dropout": lambda x: functional.dropout(x, 0.5, training=False),
    "masked_fill": lambda x: x.masked_fill(x == 2, 1.0),
    "in place": lambda x: torch.zeros_like(x).add_(x).mul_(1),
    "written": lambda x: torch.empty_like(x).copy_(x),
    "scatter": lambda x: torch.zeros_like(x).scatter_(-1, torch.zeros_like(x).long(), x),
    "index_put": lambda x: torch.zeros_like(x).index_put_((torch.arange(len(x)),), x),
    "residual": lambda x: x + x.flip(0),
    "product": lambda x: x * (x > 0),
    "cumsum": lambda x: x.cumsum(0).clamp(0, 2),
    "max": lambda x: x.maximum(x.flip(0)),
    "sort": lambda x: x.sort(-1).values,
    "fft and back": lambda x: torch.fft.ifft(torch.fft.fft(x)).real.round(),
    "complex and back": lambda x: torch.complex(x, x).imag,
    "double and back": lambda x: x.double().float(),
    "chunks": lambda x: torch.cat([c.clone() for c in x.chunk(2)]),
    "layer norm": lambda x: functional.layer_norm(x, x.shape[-1:]).round(),
    "batch norm": lambda x: functional.batch_norm(x, torch.zeros(x.shape[1]), torch.ones(x.shape[1])).round(),
    "expanded": lambda x: x[None].expand(2, *x.shape)[1],
}
SPACE: dict[str, Callable[[Tensor], Tensor]] = {
    "average": lambda x: _pool(x, "avg_pool") if min(x.shape[2:]) > 1 else x,
    "maximum": lambda x: _pool(x, "max_pool") if min(x.shape[2:]) > 1 else x,
    "padded": lambda x: functional.pad(x, (1, 0)),
    "cropped": lambda x: functional.pad(x, (1, 1))[..., 1:-1],
}


def _pool(x: Tensor, name: str) -> Tensor:
    return getattr(functional, f"{name}{x.dim() - 2}d")(x, 2)


class Network(nn.Module):
    """A chain of synapses, each behind something that moves its input."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        g = torch.Generator().manual_seed(seed)

        def pick(among: list[str]) -> str:
            return among[int(torch.randint(len(among), (), generator=g))]

        self.shape = SHAPES[int(torch.randint(len(SHAPES), (), generator=g))]
        self.x = fire(dyadic(T, B, *self.shape, g=g) * 2)
        self.steps: list[tuple[str, Callable[[Tensor], Tensor], Synapse]] = []
        self.held = nn.ModuleList()
        x = self.x.flatten(0, 1)
        self.refused: list[str] = []
        wanted = 1 + int(torch.randint(3, (), generator=g))
        while len(self.steps) < wanted:
            among = {**GLUE, **(SPACE if x.dim() > 2 else {})}
            glue = pick(list(among))
            last = x.dim() == 2 or x[0].numel() > 40 or min(x.shape[2:]) < 3
            move = _then_flat(among[glue]) if last else among[glue]
            given = move(x)
            name, synapse = flat(g, given.shape[1]) if last else image(g, tuple(given.shape[1:]))
            try:
                x = fire(synapse.eval()(given))
            except RuntimeError as error:  # no such geometry
                self.refused.append(f"{name}: {error}".splitlines()[0])
                continue
            self.steps.append((f"{glue}, {name}", move, synapse))
            self.held.append(synapse)
        self.name = " > ".join(name for name, *_ in self.steps)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(0, 1)
        for _, move, synapse in self.steps:
            x = fire(synapse(move(x)))
        return x

    def truth(self) -> dict[str, int] | None:
        """Counts by brute force; None if a synapse has none."""
        total = collections.Counter(dict.fromkeys(COUNTS, 0))
        x = self.x.flatten(0, 1)
        for name, move, synapse in self.steps:
            before, x = x, move(x)
            parts = synapse.synapses(x)
            if parts is None:
                return None
            for f, given, w in parts:
                if w.data_ptr() == x.data_ptr():
                    total.update(brute_meeting(f, given, w))
                elif given is x and name.startswith("padded"):  # its zeros are no elements
                    total.update(brute(lambda x, w, f=f, move=move: f(move(x), w), before, w))
                else:
                    total.update(brute(f, given, w))
            x = fire(synapse(x))
        return dict(total)


def _then_flat(move: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: move(x).flatten(1)[:, :4]


@dataclass
class Tally:
    """What became of the networks."""

    equal: int = 0
    incomplete: collections.Counter[str] = field(default_factory=collections.Counter)
    silent: list[str] = field(default_factory=list)
    refused: collections.Counter[str] = field(default_factory=collections.Counter)
    blamed: collections.Counter[str] = field(default_factory=collections.Counter)


def judge(seed: int, tally: Tally) -> None:
    """Counts one network both ways."""
    torch.manual_seed(seed)
    with torch.no_grad():
        network = Network(seed).eval()
        try:
            layers = count(network, {}, [network.x])
        except Exception as error:  # of the counter: a network that runs must be counted
            tally.silent.append(f"network {seed}: {network.name}: {type(error).__name__}: {error}")
            return
        truth = network.truth()
    tally.refused.update(network.refused)
    reasons = {why for layer in layers for why in layer.uncounted}
    if reasons:
        tally.incomplete.update(reasons)
        if len(network.steps) == 1:
            tally.blamed[network.name] += 1
        return
    found = {
        name: sum(getattr(layer, name) + getattr(layer, name.replace("sop", "recurrent")) for layer in layers)
        for name in COUNTS
    }
    if found == truth:
        tally.equal += 1
    else:
        tally.silent.append(f"network {seed}: {network.name}: counted {found}, right {truth}")


def main() -> int:
    """Prints what was found; 1 if a difference is silent."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="?", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="which networks were incomplete or refused")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    tally = Tally()
    told = 0
    for number in range(options.networks):
        judge(options.seed * 1_000_000 + number, tally)
        for line in tally.silent[told:]:  # at once: a sweep may take long
            print(f"SILENT {line}", flush=True)
        told = len(tally.silent)
    incomplete = options.networks - tally.equal - len(tally.silent)
    print(f"{options.networks} networks: {tally.equal} complete and equal to brute force,")
    print(f"{incomplete} incomplete, {len(tally.silent)} silent differences")
    for why, times in tally.incomplete.most_common():
        print(f"  incomplete {times} times: {why}")
    if options.verbose:
        for name, times in (*tally.blamed.most_common(), *tally.refused.most_common()):
            print(f"  {times} times: {name}")
    return 1 if tally.silent else 0


if __name__ == "__main__":
    sys.exit(main())
