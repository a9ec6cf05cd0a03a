"""Synapses for `sweep_counter.py`: every way of torch to multiply an input by weights, beside a plain form.

A synapse is run in its own way, and its brute force is told by a plain function f(x, w) that computes the
same: which input reaches which output through which weight is read off the second derivative of f.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional as F
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint

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
        plain: Plain | None = F.linear,
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
    """As a synapse, but the weight is no parameter: an attribute, or made on the spot."""

    def __init__(self, w: Tensor, run: Plain) -> None:
        nn.Module.__init__(self)
        self.kept, self.run = [w], run
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.run(x, self.kept[0])

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        return [(F.linear, x, self.kept[0])]


class Twice(Synapse):
    """One weight there and back."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(fire(F.linear(x, self.w)), self.w.T)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        w = self.w.detach()
        return [(F.linear, x, w), (lambda s, w: s @ w, fire(F.linear(x, w)), w)]


class LowRank(Synapse):
    """A product of two weights; or one after the other."""

    def __init__(self, w: Tensor, other: Tensor, apart: bool) -> None:
        nn.Module.__init__(self)
        self.a, self.b, self.apart = nn.Parameter(w), nn.Parameter(other), apart

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.b.T) @ self.a.T if self.apart else x @ (self.a @ self.b).T

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        a, b = self.a.detach(), self.b.detach()
        return [(F.linear, x, b), (F.linear, x @ b.T, a)] if self.apart else [(F.linear, x, a @ b)]


class Meeting(Synapse):
    """A product of two activations, as in an attention of spikes."""

    def __init__(self, w: Tensor, run: Plain = torch.matmul) -> None:
        super().__init__(w, run)

    def forward(self, x: Tensor) -> Tensor:
        q = fire(F.linear(x, self.w))
        return self.run(q.T, x).flatten()[: len(x)].reshape(len(x), 1)

    def synapses(self, x: Tensor) -> list[tuple[Plain, Tensor, Tensor]]:
        w = self.w.detach()
        return [(F.linear, x, w), (lambda q, x: q.T @ x, fire(F.linear(x, w)), x)]


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
        return [(F.linear, x, ih), (F.linear, torch.cat([torch.zeros_like(h[:1]), h[:-1]]), hh)]


def _thread(f: Plain) -> Plain:
    def run(x: Tensor, w: Tensor) -> Tensor:
        found: list[Tensor] = []
        x, w = x.detach(), w.detach()
        worker = threading.Thread(target=lambda: found.append(f(x, w)))
        worker.start()
        worker.join()
        return found[0]

    return run


@torch.library.custom_op("psubench_sweep::linear", mutates_args=())
def _custom(x: Tensor, w: Tensor) -> Tensor:
    return x @ w.T


@_custom.register_fake
def _(x: Tensor, w: Tensor) -> Tensor:
    return x.new_empty(len(x), len(w))


def _int8(x: Tensor, w: Tensor) -> Tensor:
    a = F.pad((x * 4).to(torch.int8), (0, (-x.shape[1]) % 8, 0, 32 - len(x)))
    b = F.pad((w * 4).to(torch.int8), (0, (-x.shape[1]) % 8, 0, (-len(w)) % 8))
    return torch._int_mm(a, b.t().contiguous())[: len(x), : len(w)] / 16.0


def _into(x: Tensor, w: Tensor) -> Tensor:
    out = torch.zeros(len(x), len(w) + 1)
    out[:, 1:] += x @ w.T
    return out[:, 1:]


def _rows(x: Tensor, w: Tensor) -> Tensor:
    return torch.stack([(x * row).sum(-1) for row in w], -1)


def _items(x: Tensor, w: Tensor) -> Tensor:
    return torch.stack([sum(x[:, i] * w[o, i].item() for i in range(w.shape[1])) for o in range(len(w))], -1)


def _state(x: Tensor, w: Tensor) -> Tensor:
    h, given = torch.zeros(w.shape[1]), []
    for now in x:
        h = h.mul(0.0).add_(now)
        given.append(w @ h)
    return torch.stack(given)


def _fft(x: Tensor, w: Tensor) -> Tensor:
    n = x.shape[-1]
    return torch.fft.irfft(torch.fft.rfft(x)[..., None, :] * torch.fft.rfft(w), n=n).sum(-1)


LINEAR: dict[str, Plain] = {
    "F.linear": F.linear,
    "matmul": lambda x, w: x @ w.T,
    "weight first": lambda x, w: (w @ x.T).T,
    "mm": lambda x, w: torch.mm(x, w.t()),
    "addmm": lambda x, w: torch.addmm(torch.ones(len(w)), x, w.t()),
    "addmm_": lambda x, w: torch.zeros(len(x), len(w)).addmm_(x, w.t()),
    "bmm": lambda x, w: torch.bmm(x[None], w.T[None])[0],
    "baddbmm": lambda x, w: torch.baddbmm(torch.ones(1, 1, 1), x[None], w.T[None])[0],
    "addbmm": lambda x, w: torch.addbmm(torch.zeros(len(x), len(w)), x[None], w.T[None]),
    "einsum": lambda x, w: torch.einsum("ni,oi->no", x, w),
    "einsum reversed": lambda x, w: torch.einsum("oi,ni->on", w, x).T,
    "einsum product": lambda x, w: torch.einsum("ni,oi->noi", x, w).sum(-1),
    "tensordot": lambda x, w: torch.tensordot(x, w, dims=([1], [1])),
    "inner": torch.inner,
    "mv": lambda x, w: torch.stack([torch.mv(w, row) for row in x]),
    "addmv": lambda x, w: torch.stack([torch.addmv(torch.ones(len(w)), w, row) for row in x]),
    "dot": lambda x, w: torch.stack([torch.stack([row.dot(u) for u in w]) for row in x]),
    "vdot": lambda x, w: torch.stack([torch.stack([torch.vdot(row, u) for u in w]) for row in x]),
    "chain_matmul": lambda x, w: torch.linalg.multi_dot([x, w.T]),
    "outer": lambda x, w: sum(torch.outer(x[:, i], w[:, i]) for i in range(x.shape[1])),
    "addr": lambda x, w: torch.addr(x[:, 1:] @ w[:, 1:].T, x[:, 0], w[:, 0]),
    "out=": lambda x, w: torch.mm(x, w.t(), out=torch.empty(len(x), len(w))),
    "rows": _rows,
    "broadcast": lambda x, w: (x[:, None] * w).sum(-1),
    "mul out of place": lambda x, w: x[:, None].expand(-1, len(w), -1).clone().mul_(w).sum(-1),
    "addcmul": lambda x, w: torch.addcmul(torch.zeros(len(x), len(w), x.shape[1]), x[:, None], w[None]).sum(
        -1
    ),
    "cumsum of products": lambda x, w: (x[:, None] * w).cumsum(-1)[..., -1],
    "conv1d": lambda x, w: F.conv1d(x[:, None], w[:, None])[..., 0],
    "conv1d as 1x1": lambda x, w: F.conv1d(x[..., None], w[..., None])[..., 0],
    "conv2d": lambda x, w: F.conv2d(x[..., None, None], w[..., None, None])[..., 0, 0],
    "conv_tbc": lambda x, w: torch.conv_tbc(x[None], w.T[None].contiguous(), torch.zeros(len(w)))[0],
    "conv_transpose1d": lambda x, w: F.conv_transpose1d(x[..., None], w.T[..., None])[..., 0],
    "chunks": lambda x, w: torch.cat([F.linear(x, part) for part in w.chunk(2)], -1),
    "halves of the input": lambda x, w: F.linear(x[:, :2], w[:, :2]) + F.linear(x[:, 2:], w[:, 2:]),
    "column by column": lambda x, w: torch.cat([x @ u[:, None] for u in w.unbind()], -1),
    "into a view": _into,
    "state": _state,
    "index_select": lambda x, w: F.linear(x.index_select(1, torch.tensor([1, 0, 2])), w[:, [1, 0, 2]]),
    "flipped": lambda x, w: F.linear(x.flip(-1), w.flip(-1)),
    "gathered": lambda x, w: F.linear(x, w.gather(0, torch.arange(len(w))[:, None].expand(w.shape))),
    "as_strided": lambda x, w: F.linear(x, w.as_strided(w.shape, w.stride())),
    "reshaped": lambda x, w: F.linear(x, w.reshape(-1).view(w.shape)),
    "cloned": lambda x, w: F.linear(x, w.clone(memory_format=torch.contiguous_format)),
    "clone changed in place": lambda x, w: F.linear(x, w.clone().mul_(2).div_(2)),
    "noise": lambda x, w: F.linear(x, w + 0 * torch.randn_like(w)),
    "where": lambda x, w: F.linear(x, torch.where(w > 0, w, w)),
    "double": lambda x, w: F.linear(x.double(), w.double()).float(),
    "bfloat16": lambda x, w: F.linear(x.bfloat16(), w.bfloat16()).float(),
    "half": lambda x, w: F.linear(x.half(), w.half()).float(),
    "complex": lambda x, w: F.linear(x.to(torch.complex64), w.to(torch.complex64)).real,
    "real of complex": lambda x, w: torch.view_as_real(torch.complex(x @ w.T, x @ w.T))[..., 0],
    "int": lambda x, w: ((4 * x).int() @ (4 * w).int().T) / 16.0,
    "int8": _int8,
    "fft": _fft,
    "numpy": lambda x, w: torch.from_numpy(x.numpy() @ w.detach().numpy().T),
    "tolist": lambda x, w: torch.tensor(
        [[sum(a * b for a, b in zip(r, u)) for u in w.tolist()] for r in x.tolist()]
    ),
    "item": _items,
    "thread": _thread(F.linear),
    "thread and numpy": _thread(lambda x, w: torch.from_numpy(x.numpy() @ w.numpy().T)),
    "custom": _custom,
    "sparse": lambda x, w: torch.sparse.mm(w.to_sparse(), x.T).T,
    "csr": lambda x, w: (w.to_sparse_csr() @ x.T).T,
    "vmap": lambda x, w: vmap(lambda row: w @ row)(x),
    "checkpoint": lambda x, w: checkpoint(F.linear, x, w, use_reentrant=False),
    "kron": lambda x, w: F.linear(x, torch.kron(w, torch.ones(1, 1))),
    "block_diag": lambda x, w: F.linear(torch.cat([x, x], -1), torch.block_diag(w, w))[:, : len(w)],
    "cdist": lambda x, w: torch.cdist(x, w),
    "cosine": lambda x, w: F.cosine_similarity(x[:, None], w, dim=-1),
    "matmul of 4 dimensions": lambda x, w: torch.matmul(x[None, :, None], w.T)[0, :, 0],
    "unfold": lambda x, w: x.unfold(-1, x.shape[1], 1)[:, 0] @ w.T,
    "buffer added": lambda x, w: F.linear(x, w) + torch.ones(len(w)),
    "pad": lambda x, w: F.linear(F.pad(x, (1, 1)), F.pad(w, (1, 1))),
}
"""By name; each computes x @ w.T of x [N, I] and w [O, I], but for those in `OTHER`."""
OTHER = {"cdist", "cosine", "fft", "block_diag", "pad"}
"""Those that have no synapses one by one, or others than the plain form: they must be incomplete."""


def flat(g: torch.Generator, inputs: int) -> tuple[str, nn.Module]:
    """A random synapse for x [N, inputs]."""
    outputs = int(torch.randint(2, 5, (), generator=g))
    w = dyadic(outputs, inputs, g=g)
    makers: dict[str, Callable[[], nn.Module]] = {
        **{name: (lambda run=run, name=name: _way(name, w, run, g)) for name, run in LINEAR.items()},
        **_modules(w, g),
    }
    name = list(makers)[int(torch.randint(len(makers), (), generator=g))]
    return name, makers[name]()


def _way(name: str, w: Tensor, run: Plain, g: torch.Generator) -> nn.Module:
    if name == "block_diag":
        return Synapse(w, run, None)
    buffer = int(torch.randint(4, (), generator=g)) == 0
    return Synapse(w, run, None if name in OTHER else F.linear, buffer=buffer)


def _modules(w: Tensor, g: torch.Generator) -> dict[str, Callable[[], nn.Module]]:
    o, i = w.shape
    mask = (torch.arange(o * i) % 3 > 0).float().view(o, i)

    def linear() -> nn.Linear:
        made = nn.Linear(i, o)
        with torch.no_grad():
            made.weight.copy_(w)
            made.bias.fill_(0.5)
        return made

    def wrapped(module: nn.Module) -> nn.Module:
        return _Wrapped(module, w)

    def quantised() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.ao.quantization.quantize_dynamic(nn.Sequential(linear()), {nn.Linear})

    return {
        "nn.Linear": lambda: Module(linear(), g),
        "weight_norm": lambda: _Wrapped(parametrizations.weight_norm(linear()), None),
        "spectral_norm": lambda: _Wrapped(parametrizations.spectral_norm(linear()), None),
        "orthogonal": lambda: _Wrapped(parametrizations.orthogonal(linear()), None),
        "pruned": lambda: _Wrapped(prune.l1_unstructured(linear(), "weight", amount=0.5), None),
        "masked": lambda: Synapse(w, lambda x, w: F.linear(x, w * mask), F.linear, lambda w: w * mask),
        "scripted": lambda: wrapped(torch.jit.script(linear())),
        "traced": lambda: wrapped(torch.jit.trace(linear(), torch.ones(2, i))),
        "frozen": lambda: wrapped(torch.jit.freeze(torch.jit.script(linear().eval()))),
        "quantised": lambda: wrapped(quantised()),
        "attribute": lambda: Held(w, F.linear),
        "attribute by rows": lambda: Held(w, _rows),
        "constant": lambda: Held(w, lambda x, w: F.linear(x, w.clone())),
        "made on the spot": lambda: Held(w, lambda x, w: F.linear(x, nn.Parameter(w))),
        "tied": lambda: Twice(w, F.linear),
        "low rank": lambda: LowRank(w[:, :2].clone(), dyadic(2, i, g=g), apart=False),
        "two in a row": lambda: LowRank(w[:, :2].clone(), dyadic(2, i, g=g), apart=True),
        "spikes meet spikes": lambda: Meeting(w),
        "spikes meet spikes by einsum": lambda: Meeting(w, lambda q, x: torch.einsum("on,ni->oi", q, x)),
        "bilinear": lambda: _Wrapped(_Bilinear(i, o), None, known=False),
        "embedding": lambda: _Wrapped(_Embedding(i, o), None, known=False),
        "embedding_bag": lambda: _Wrapped(_Bag(i, o), None, known=False),
        "RNNCell": lambda: Recurrent(nn.RNNCell(i, o), g, True),
        "GRUCell": lambda: Recurrent(nn.GRUCell(i, o), g, True),
        "LSTMCell": lambda: Recurrent(nn.LSTMCell(i, o), g, True),
        "RNN": lambda: Recurrent(nn.RNN(i, o), g, True),
        "GRU": lambda: Recurrent(nn.GRU(i, o), g, True),
        "LSTM": lambda: Recurrent(nn.LSTM(i, o), g, True),
        "multi-head attention": lambda: _Wrapped(_Attention(i), None, known=False),
        "encoder layer": lambda: _Wrapped(
            nn.TransformerEncoderLayer(i, 1, 4, dropout=0.0), None, known=False
        ),
        "one memory": lambda: _Wrapped(_one_memory(linear()), None),
    }


def _one_memory(module: nn.Module) -> nn.Module:
    vector = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
    torch.nn.utils.vector_to_parameters(vector, module.parameters())
    return module


class _Wrapped(Synapse):
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
        return [(F.linear, x, self.module.weight.detach() if w is None else w)]


class _Bilinear(nn.Bilinear):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x)


class _Embedding(nn.Embedding):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.argmax(-1))


class _Bag(nn.EmbeddingBag):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward((x != 0).long())


class _Attention(nn.MultiheadAttention):
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
            return F.fold(w @ F.unfold(x, 2, padding=1), (x.shape[2] + 1, x.shape[3] + 1), 1)

        super().__init__(dyadic(2, channels * 4, g=g), run, run)
