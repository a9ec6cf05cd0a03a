"""Data as psubench reads it."""

import torch

from psubench.data import batches, parse, shape


def epoch(name, T=10, batch=4, seed=0, split="test"):
    """All batches of a split as one: inputs [T, N, ...] and labels [N]."""
    parts = list(batches(parse(name), T=T, batch=batch, seed=seed, split=split))
    assert all(x.dtype == torch.float32 and labels.dtype == torch.int64 for x, labels in parts)
    x, labels = (torch.cat(p, dim=d).numpy() for p, d in zip(zip(*parts, strict=True), (1, 0), strict=True))
    assert x.shape[2:] == shape(parse(name), T)[0]
    return x, labels
