"""Every way of torch to multiply an input by a weight, for `sweep_counter.py`."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable

import torch
from sweep_synapses import (
    Attention,
    Bag,
    Bilinear,
    Embedding,
    Held,
    LowRank,
    Meeting,
    Module,
    Plain,
    Recurrent,
    Synapse,
    Twice,
    Wrapped,
    dyadic,
)
from torch import Tensor, nn
from torch.func import vmap
from torch.nn import functional
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint


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
    a = functional.pad((x * 4).to(torch.int8), (0, (-x.shape[1]) % 8, 0, 32 - len(x)))
    b = functional.pad((w * 4).to(torch.int8), (0, (-x.shape[1]) % 8, 0, (-len(w)) % 8))
    return torch._int_mm(a, b.t().contiguous())[: len(x), : len(w)] / 16.0


def _into(x: Tensor, w: Tensor) -> Tensor:
    out = torch.zeros(len(x), len(w) + 1)
    out[:, 1:] += x @ w.T
    return out[:, 1:]


def _back(x: Tensor) -> Tensor:
    return torch.arange(x.shape[1]).flip(0)


def _real(y: Tensor) -> Tensor:
    return torch.view_as_real(torch.complex(y, y))[..., 0]


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
    "F.linear": functional.linear,
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
    "conv1d": lambda x, w: functional.conv1d(x[:, None], w[:, None])[..., 0],
    "conv1d as 1x1": lambda x, w: functional.conv1d(x[..., None], w[..., None])[..., 0],
    "conv2d": lambda x, w: functional.conv2d(x[..., None, None], w[..., None, None])[..., 0, 0],
    "conv_tbc": lambda x, w: torch.conv_tbc(x[None], w.T[None].contiguous(), torch.zeros(len(w)))[0],
    "conv_transpose1d": lambda x, w: functional.conv_transpose1d(x[..., None], w.T[..., None])[..., 0],
    "chunks": lambda x, w: torch.cat([functional.linear(x, part) for part in w.chunk(2)], -1),
    "halves of the input": lambda x, w: (
        functional.linear(x[:, :2], w[:, :2]) + functional.linear(x[:, 2:], w[:, 2:])
    ),
    "column by column": lambda x, w: torch.cat([x @ u[:, None] for u in w.unbind()], -1),
    "into a view": _into,
    "state": _state,
    "index_select": lambda x, w: functional.linear(x.index_select(1, _back(x)), w[:, _back(x)]),
    "flipped": lambda x, w: functional.linear(x.flip(-1), w.flip(-1)),
    "gathered": lambda x, w: functional.linear(x, w.gather(0, torch.arange(len(w))[:, None].expand(w.shape))),
    "as_strided": lambda x, w: functional.linear(x, w.as_strided(w.shape, w.stride())),
    "reshaped": lambda x, w: functional.linear(x, w.reshape(-1).view(w.shape)),
    "cloned": lambda x, w: functional.linear(x, w.clone(memory_format=torch.contiguous_format)),
    "clone changed in place": lambda x, w: functional.linear(x, w.clone().mul_(2).div_(2)),
    "noise": lambda x, w: functional.linear(x, w + 0 * torch.randn_like(w)),
    "where": lambda x, w: functional.linear(x, torch.where(w > 0, w, w)),
    "double": lambda x, w: functional.linear(x.double(), w.double()).float(),
    "bfloat16": lambda x, w: functional.linear(x.bfloat16(), w.bfloat16()).float(),
    "half": lambda x, w: functional.linear(x.half(), w.half()).float(),
    "complex": lambda x, w: functional.linear(x.to(torch.complex64), w.to(torch.complex64)).real,
    "real of complex": lambda x, w: _real(x @ w.T),
    "int": lambda x, w: ((4 * x).int() @ (4 * w).int().T) / 16.0,
    "int8": _int8,
    "fft": _fft,
    "numpy": lambda x, w: torch.from_numpy(x.numpy() @ w.detach().numpy().T),
    "tolist": lambda x, w: torch.tensor(
        [[sum(a * b for a, b in zip(r, u, strict=True)) for u in w.tolist()] for r in x.tolist()]
    ),
    "item": _items,
    "thread": _thread(functional.linear),
    "thread and numpy": _thread(lambda x, w: torch.from_numpy(x.numpy() @ w.numpy().T)),
    "custom": _custom,
    "sparse": lambda x, w: torch.sparse.mm(w.to_sparse(), x.T).T,
    "csr": lambda x, w: (w.to_sparse_csr() @ x.T).T,
    "vmap": lambda x, w: vmap(lambda row: w @ row)(x),
    "checkpoint": lambda x, w: checkpoint(functional.linear, x, w, use_reentrant=False),
    "kron": lambda x, w: functional.linear(x, torch.kron(w, torch.ones(1, 1))),
    "block_diag": lambda x, w: functional.linear(torch.cat([x, x], -1), torch.block_diag(w, w)),
    "cdist": torch.cdist,
    "cosine": lambda x, w: functional.cosine_similarity(x[:, None], w, dim=-1),
    "matmul of 4 dimensions": lambda x, w: torch.matmul(x[None, :, None], w.T)[0, :, 0],
    "unfold": lambda x, w: x.unfold(-1, x.shape[1], 1)[:, 0] @ w.T,
    "buffer added": lambda x, w: functional.linear(x, w) + torch.ones(len(w)),
    "pad": lambda x, w: functional.linear(functional.pad(x, (1, 1)), functional.pad(w, (1, 1))),
}
"""By name; each computes x @ w.T of x [N, I] and w [O, I], but for those in `OTHER`."""
OTHER = {"cdist", "cosine", "fft"}
"""Those that have no synapses one by one, or others than the plain form: they must be incomplete."""


def flat(g: torch.Generator, inputs: int) -> tuple[str, nn.Module]:
    """A random synapse for x [N, inputs]."""
    outputs = int(torch.randint(2, 5, (), generator=g))
    w = dyadic(outputs, inputs, g=g)
    makers: dict[str, Callable[[], nn.Module]] = {
        **{name: (lambda run=run, name=name: _way(name, w, run, g)) for name, run in LINEAR.items()},
        **_linear_modules(w, g),
        **_other_modules(w, g),
    }
    name = list(makers)[int(torch.randint(len(makers), (), generator=g))]
    return name, makers[name]()


def _way(name: str, w: Tensor, run: Plain, g: torch.Generator) -> nn.Module:
    if name == "block_diag":
        twice = lambda x, w: functional.linear(torch.cat([x, x], -1), w)  # noqa: E731
        return Synapse(w, run, twice, lambda w: torch.block_diag(w, w))
    buffer = int(torch.randint(4, (), generator=g)) == 0
    return Synapse(w, run, None if name in OTHER else functional.linear, buffer=buffer)


def _linear_modules(w: Tensor, g: torch.Generator) -> dict[str, Callable[[], nn.Module]]:
    """`nn.Linear`, and what torch makes of it."""
    o, i = w.shape
    mask = (torch.arange(o * i) % 3 > 0).float().view(o, i)

    def linear() -> nn.Linear:
        made = nn.Linear(i, o)
        with torch.no_grad():
            made.weight.copy_(w)
            made.bias.fill_(0.5)
        return made

    def wrapped(module: nn.Module) -> nn.Module:
        return Wrapped(module, w)

    def quantised() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.ao.quantization.quantize_dynamic(nn.Sequential(linear()), {nn.Linear})

    return {
        "nn.Linear": lambda: Module(linear(), g),
        "weight_norm": lambda: Wrapped(parametrizations.weight_norm(linear()), None),
        "spectral_norm": lambda: Wrapped(parametrizations.spectral_norm(linear()), None),
        "orthogonal": lambda: Wrapped(parametrizations.orthogonal(linear()), None),
        "pruned": lambda: Wrapped(prune.l1_unstructured(linear(), "weight", amount=0.5), None),
        "masked": lambda: Synapse(
            w, lambda x, w: functional.linear(x, w * mask), functional.linear, lambda w: w * mask
        ),
        "scripted": lambda: wrapped(torch.jit.script(linear())),
        "traced": lambda: wrapped(torch.jit.trace(linear(), torch.ones(2, i))),
        "frozen": lambda: wrapped(torch.jit.freeze(torch.jit.script(linear().eval()))),
        "quantised": lambda: wrapped(quantised()),
        "one memory": lambda: Wrapped(_one_memory(linear()), None),
    }


def _other_modules(w: Tensor, g: torch.Generator) -> dict[str, Callable[[], nn.Module]]:
    o, i = w.shape
    return {
        "attribute": lambda: Held(w, functional.linear),
        "attribute by rows": lambda: Held(w, _rows),
        "constant": lambda: Held(w, lambda x, w: functional.linear(x, w.clone())),
        "made on the spot": lambda: Held(w, lambda x, w: functional.linear(x, nn.Parameter(w))),
        "tied": lambda: Twice(w, functional.linear),
        "low rank": lambda: LowRank(w[:, :2].clone(), dyadic(2, i, g=g), apart=False),
        "two in a row": lambda: LowRank(w[:, :2].clone(), dyadic(2, i, g=g), apart=True),
        "spikes meet spikes": lambda: Meeting(w),
        "spikes meet spikes by einsum": lambda: Meeting(w, lambda q, x: torch.einsum("on,ni->oi", q, x)),
        "bilinear": lambda: Wrapped(Bilinear(i, o), None, known=False),
        "embedding": lambda: Wrapped(Embedding(i, o), None, known=False),
        "embedding_bag": lambda: Wrapped(Bag(i, o), None, known=False),
        "RNNCell": lambda: Recurrent(nn.RNNCell(i, o), g, True),
        "GRUCell": lambda: Recurrent(nn.GRUCell(i, o), g, True),
        "LSTMCell": lambda: Recurrent(nn.LSTMCell(i, o), g, True),
        "RNN": lambda: Recurrent(nn.RNN(i, o), g, True),
        "GRU": lambda: Recurrent(nn.GRU(i, o), g, True),
        "LSTM": lambda: Recurrent(nn.LSTM(i, o), g, True),
        "multi-head attention": lambda: Wrapped(Attention(i), None, known=False),
        "encoder layer": lambda: Wrapped(nn.TransformerEncoderLayer(i, 1, 4, dropout=0.0), None, known=False),
    }


def _one_memory(module: nn.Module) -> nn.Module:
    vector = torch.nn.utils.parameters_to_vector(module.parameters()).detach()
    torch.nn.utils.vector_to_parameters(vector, module.parameters())
    return module
