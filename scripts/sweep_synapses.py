"""Synapses for `sweep_counter.py`: a weight, the way in which torch uses it, and a plain form of the same.

The brute force is told by a plain function f(x, w) that computes what the synapse does: which input reaches
which output through which weight is read off the second derivative of f.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

VALUES = torch.tensor([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0, 2.0])
Plain = Callable[[Tensor, Tensor], Tensor]


def dyadic(*shape: int, g: torch.Generator) -> Tensor:
    """Weights of which float32 computes exactly, a seventh of them 0."""
    return VALUES[torch.randint(len(VALUES), shape, generator=g)]


def fire(x: Tensor) -> Tensor:
    """Values 0, 1 and 2, as a layer of spikes with a residual one would give."""
    return x.round().clamp(0, 2)


class Synapse(nn.Module):
    """A weight and the way in which it is used.

    Args:
        run: of the input and the weight.
        plain: computes the same of the input and `used(weight)`; None if no brute force is known.
        buffer: whether the weight is one.
    """

    def __init__(
        self,
        w: Tensor,
        run: Plain,
        plain: Plain | None = functional.linear,
        used: Callable[[Tensor], Tensor] = lambda w: w,
        buffer: bool = False,
    ) -> None:
        super().__init__()
        if buffer:
            self.register_buffer("w", w)
        else:
            self.w = nn.Parameter(w)
        self.run, self.plain, self.used = run, plain, used

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.w)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]] | None:
        """Plain functions with their inputs and weights; None if not known."""
        return None if self.plain is None else [(self.plain, x, self.used(self.w.detach()))]


class Module(Synapse):
    """A module of torch with one weight."""

    def __init__(self, module: nn.Module, g: torch.Generator, known: bool = True) -> None:
        nn.Module.__init__(self)
        self.module, self.known = module, known
        with torch.no_grad():
            for p in module.parameters():
                p.copy_(dyadic(*p.shape, g=g))

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]] | None:
        if not self.known:
            return None
        plain = self.module

        def f(x: Tensor, w: Tensor) -> Tensor:
            others = {name: p.to(w.dtype) for name, p in plain.named_parameters() if name != "weight"}
            return functional_call(plain, {"weight": w, **others}, (x,))

        return [(f, x, plain.weight.detach())]


class Held(Synapse):
    """As a synapse, but the weight is not a parameter: an attribute, or made on the spot."""

    def __init__(self, w: Tensor, run: Plain) -> None:
        nn.Module.__init__(self)
        self.kept, self.run = [w], run
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.kept[0])

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        return [(functional.linear, x, self.kept[0])]


class Twice(Synapse):
    """One weight there and back."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(fire(functional.linear(x, self.w)), self.w.T)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        w = self.w.detach()
        return [(functional.linear, x, w), (lambda s, w: s @ w, fire(functional.linear(x, w)), w)]


class LowRank(Synapse):
    """A product of two weights; or one after the other."""

    def __init__(self, w: Tensor, other: Tensor, apart: bool) -> None:
        nn.Module.__init__(self)
        self.a, self.b, self.apart = nn.Parameter(w), nn.Parameter(other), apart

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.b.T) @ self.a.T if self.apart else x @ (self.a @ self.b).T

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        a, b = self.a.detach(), self.b.detach()
        return (
            [(functional.linear, x, b), (functional.linear, x @ b.T, a)]
            if self.apart
            else [(functional.linear, x, a @ b)]
        )


class Meeting(Synapse):
    """A product of two activations, as in an attention of spikes."""

    def __init__(self, w: Tensor, run: Plain = torch.matmul) -> None:
        super().__init__(w, run)

    def forward(self, x: Tensor) -> Tensor:
        q = fire(functional.linear(x, self.w))
        return self.run(q.T, x).flatten()[: len(x)].reshape(len(x), 1)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        w = self.w.detach()
        return [(functional.linear, x, w), (lambda q, x: q.T @ x, fire(functional.linear(x, w)), x)]


class Recurrent(Synapse):
    """A recurrent layer or cell; the states are those that it gives."""

    def __init__(self, module: nn.Module, g: torch.Generator, known: bool) -> None:
        Module.__init__(self, module, g, known)

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.module, nn.RNNCellBase):
            h, given = None, []
            for now in x[:, None]:
                h = self.module(now, h)
                given.append(h[0] if isinstance(h, tuple) else h)
            return torch.cat(given)
        return self.module(x[:, None])[0][:, 0]

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]] | None:
        if not self.known:
            return None
        weights = dict(self.module.named_parameters())
        ih, hh = (next(w.detach() for n, w in weights.items() if f"weight_{k}h" in n) for k in "ih")
        h = self(x).detach()
        return [
            (functional.linear, x, ih),
            (functional.linear, torch.cat([torch.zeros_like(h[:1]), h[:-1]]), hh),
        ]


class Wrapped(Synapse):
    """A module whose weight is given, or is what it says at the time."""

    def __init__(self, module: nn.Module, w: Tensor | None, known: bool = True) -> None:
        nn.Module.__init__(self)
        self.module, self.fixed, self.known = module.eval(), [w], known

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]] | None:
        if not self.known:
            return None
        w = self.fixed[0]
        return [(functional.linear, x, self.module.weight.detach() if w is None else w)]


class Bilinear(nn.Bilinear):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x)


class Embedding(nn.Embedding):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.argmax(-1))


class Bag(nn.EmbeddingBag):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x != 0).long())


class Attention(nn.MultiheadAttention):
    def __init__(self, inputs: int) -> None:
        super().__init__(inputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x, x, need_weights=False)[0]


def image(g: torch.Generator, shape: tuple[int, ...]) -> tuple[str, nn.Module]:
    """A random convolution for x [N, *shape] of one to three dimensions of space."""
    dims, channels = len(shape) - 1, shape[0]

    def draw(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=g))

    transposed, groups, kernel = draw(0, 3) == 0, draw(1, 2), draw(1, 3)
    options: dict[str, Any] = {
        "kernel_size": kernel, "stride": draw(1, 2), "dilation": 1 if kernel == 3 else draw(1, 2),
        "padding": draw(0, min(1, kernel - 1)), "groups": groups, "bias": bool(draw(0, 1)),
    }  # fmt: skip
    kind = f"{'ConvTranspose' if transposed else 'Conv'}{dims}d"
    if not transposed:
        options["padding_mode"] = ("zeros", "circular", "reflect", "replicate")[draw(0, 3)]
        if draw(0, 4) == 0:
            options |= {"padding": "same", "stride": 1, "padding_mode": "zeros"}
    if draw(0, 5) == 0 and dims == 2:
        return "F.unfold", _Unfolded(channels, g)
    return kind, Module(getattr(nn, kind)(channels, 2 * groups, **options), g)


class _Unfolded(Synapse):
    def __init__(self, channels: int, g: torch.Generator) -> None:
        def run(x: Tensor, w: Tensor) -> Tensor:
            return functional.fold(
                w @ functional.unfold(x, 2, padding=1), (x.shape[2] + 1, x.shape[3] + 1), 1
            )

        super().__init__(dyadic(2, channels * 4, g=g), run, run)
