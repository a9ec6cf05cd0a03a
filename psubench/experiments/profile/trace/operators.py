"""Which operators do work, and what each of them took.

A dispatch is an operator that does work and is not inside another one that is counted: what the program
asked for, one level below Python. `aten::linear` is one, however many operators it calls in turn. What only
makes a view, or memory without contents, is none; where it has to copy after all (`aten::reshape`,
`aten::to`), the copy inside is one. Code that goes around torch's dispatcher, such as what torch.compile
makes, is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from psubench.experiments.profile.trace.events import Event

WORKLESS = frozenset(
    f"aten::{name}"
    for name in (
        # Views, as their schemas say: what they return is an alias of what they are given.
        "_conj", "_neg_view", "_reshape_alias", "_values", "_indices", "adjoint", "alias", "as_strided",
        "broadcast_to", "chunk", "col_indices", "conj", "contiguous", "crow_indices", "detach", "diagonal",
        "dsplit", "expand", "expand_as", "flatten", "hsplit", "imag", "indices", "lift_fresh", "mH", "mT",
        "matrix_H", "moveaxis", "movedim", "narrow", "numpy_T", "permute", "ravel", "real", "reshape",
        "reshape_as", "resolve_conj", "resolve_neg", "select", "slice", "split", "split_with_sizes",
        "squeeze", "swapaxes", "swapdims", "t", "tensor_split", "to", "transpose", "unbind", "unflatten",
        "unfold", "unsqueeze", "values", "view", "view_as", "view_as_complex", "view_as_real", "vsplit",
        # A view, though its schema does not say so; and views in place.
        "_unsafe_view",
        "as_strided_", "detach_", "resize_", "resize_as_", "set_", "squeeze_", "swapaxes_", "swapdims_",
        "t_", "transpose_", "unsqueeze_",
        # Memory without contents, and questions that touch no data.
        "empty", "empty_like", "empty_permuted", "empty_strided", "new_empty", "new_empty_strided",
        "result_type", "can_cast", "is_floating_point", "is_complex", "is_same_size", "size", "stride",
    )
)  # fmt: skip
_AUTOGRAD = ("autograd::", "torch::")
"""Begin the names of its nodes that are written in C++."""


def is_operator(event: Event) -> bool:
    """Whether an event is an operator of the dispatcher, as `aten::add` is; nodes of autograd are none."""
    return event.kind == "cpu_op" and "::" in event.name and not event.name.startswith(_AUTOGRAD)


def dispatches(root: Event) -> Iterator[Event]:
    """The operators in a tree that do work and are inside no other one that does."""
    todo = [root]
    while todo:
        event = todo.pop()
        if is_operator(event) and event.name not in WORKLESS:
            yield event
        else:
            todo += event.children


LAUNCHES = frozenset(
    {
        "cudaLaunchKernel",
        "cudaLaunchKernelExC",
        "cudaLaunchCooperativeKernel",
        "cuLaunchKernel",
        "cuLaunchKernelEx",
        "cudaGraphLaunch",
    }
)
"""Calls of the CUDA runtime and driver that start kernels; a graph is started by one call."""


def launches(root: Event) -> Iterator[Event]:
    """The kernel launches in a tree."""
    return (event for event in root.walk() if event.name in LAUNCHES)
