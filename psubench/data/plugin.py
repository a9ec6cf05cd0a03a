"""Data plug-ins: called according to the contract, and what they yield is checked."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from psubench import plugins
from psubench.data.names import DataRef
from psubench.errors import PsubenchError

if TYPE_CHECKING:
    from torch import Tensor

_CONTRACT = (
    "a data plug-in is called with T=, batch=, seed=, split= and yields (x [T,B,*], labels [B]), or it is or"
    " gives a torch Dataset or DataLoader"
)


class NothingError(PsubenchError):
    """A plug-in yields no batch at all, for example a loader of full batches that has fewer samples."""


def from_plugin(ref: DataRef, T: int, batch: int, seed: int, split: str) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of a plug-in on the CPU, x as it comes and the labels as it gives them.

    Raises:
        PsubenchError: it cannot be called, raises, yields nothing, or yields something that is not a pair
            (x [T, B, *], labels [B]) of finite numbers with the same * every time.
    """
    what, step = _called(ref), None
    iterator = _started(ref, T, batch, seed, split)
    while True:
        try:
            given = next(iterator, None)
        except PsubenchError:
            raise
        except Exception as error:  # the user's code may raise anything
            raise plugins.raised(what, f"T={T}, batch={batch}", error) from error
        if given is None and step is None:
            raise NothingError(f'{what} yields nothing for T={T}, batch={batch}, split="{split}"', _CONTRACT)
        if given is None:
            return
        try:
            x, labels = _checked(given, T, batch, what)
        except PsubenchError:
            raise
        except Exception as error:  # of a tensor of a class of its own
            cause = plugins.one_line(error)
            raise PsubenchError(f"{what} yields what cannot be read: {cause}", _CONTRACT) from error
        if step not in (None, x.shape[2:]):
            raise PsubenchError(
                f"{what} yields steps of shape {list(x.shape[2:])} after {list(step)}", _CONTRACT
            )
        step = x.shape[2:]
        yield x, labels


def class_numbers(ref: DataRef, labels: Tensor, classes: int | None) -> Tensor:
    """The labels of a plug-in as int64, which they must be able to become: 0, 1, 2, ...

    Args:
        classes: number of classes that the plug-in declares, or None.
    """
    given = labels.double()  # in which every type of number can be compared
    numbers: Tensor = labels.long()
    low, high = int(numbers.min()), int(numbers.max())
    if not (numbers.double() == given).all() or low < 0 or (classes is not None and high >= classes):
        allowed = f"0 to {classes - 1}" if classes is not None else "0, 1, 2, ..."
        raise PsubenchError(
            f"{_called(ref)} yields labels from {given.min().item():g} to {given.max().item():g}",
            f"labels are the numbers of classes, {allowed}",
        )
    return numbers


def declared_classes(ref: DataRef) -> int | None:
    """The plug-in's attribute `classes`; None if it has none."""
    found = plugins.load(ref.kind)
    classes = getattr(found, "classes", None)
    if classes is None:  # of a loader
        classes = getattr(getattr(found, "dataset", None), "classes", None)
    if isinstance(classes, list | tuple):  # as torchvision names them
        classes = len(classes)
    if classes is not None and (isinstance(classes, bool) or not isinstance(classes, int) or classes < 1):
        raise PsubenchError(f"{_called(ref)} has classes={classes!r}", "it is the number of classes")
    return classes


def _called(ref: DataRef) -> str:
    return f'data plug-in "{ref.name}"'


def _started(ref: DataRef, T: int, batch: int, seed: int, split: str) -> Iterator[Any]:
    what = _called(ref)
    make = plugins.load(ref.kind)
    if (ready := _torch_batches(make, T, batch, seed, split, what)) is not None:
        if ref.parameters:
            raise PsubenchError(f"{what} is built already and takes no parameters", "leave them out")
        return ready
    asked = {"T": T, "batch": batch, "seed": seed, "split": split}
    arguments = {**_taken(make, asked), **dict(ref.parameters)}
    made = plugins.call(make, arguments, what, f"T={T}, batch={batch}", _CONTRACT)
    if made is None:
        return iter(())
    if (ready := _torch_batches(made, T, batch, seed, split, what)) is not None:
        return ready
    if not isinstance(made, Iterable):
        raise PsubenchError(f"{what} yields a {type(made).__name__} that is not a pair of tensors", _CONTRACT)
    return iter(made)


def _taken(make: object, asked: dict[str, Any]) -> dict[str, Any]:
    """What a class of torch data takes of all that is asked; any other plug-in must take everything."""
    from torch.utils.data import DataLoader, Dataset

    if not isinstance(make, type) or not issubclass(make, Dataset | DataLoader):
        return asked
    try:
        parameters = inspect.signature(make).parameters.values()
    except ValueError:  # some builtins have none
        return {}
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return asked
    known = {parameter.name for parameter in parameters}
    return {name: value for name, value in asked.items() if name in known}


def _torch_batches(
    made: object, T: int, batch: int, seed: int, split: str, what: str
) -> Iterator[Any] | None:
    """The batches of a Dataset or a DataLoader; None of anything else."""
    from psubench.data import torch_data

    if not torch_data.is_torch_data(made):
        return None
    return torch_data.batches(cast("Any", made), T, batch, seed, split, what)


def _dense(tensor: Tensor, name: str, what: str) -> Tensor:
    """A tensor of real numbers on the CPU; PsubenchError for one that has no plain array of them."""
    import torch

    kinds = {
        "nested": tensor.is_nested,
        "quantised": tensor.is_quantized,
        "sparse": tensor.layout != torch.strided and not tensor.is_nested,
        "complex": tensor.is_complex(),
        "meta": tensor.is_meta,
    }
    found = [kind for kind, is_it in kinds.items() if is_it]
    if found:
        raise PsubenchError(
            f"{what} yields {name} as a {found[0]} tensor", f"yield a dense tensor of real numbers as {name}"
        )
    return tensor.detach().cpu()


def _checked(given: Any, T: int, batch: int, what: str) -> tuple[Tensor, Tensor]:
    import torch

    pair = isinstance(given, tuple | list) and len(given) == 2
    if not pair or not all(isinstance(part, torch.Tensor) for part in given):
        raise PsubenchError(
            f"{what} yields a {type(given).__name__} that is not a pair of tensors", _CONTRACT
        )
    x, labels = _dense(given[0], "x", what), _dense(given[1], "labels", what)
    shape = list(x.shape)
    if x.dim() < 2 or shape[0] != T or not 1 <= shape[1] <= batch or x.numel() == 0:
        raise PsubenchError(f"{what} yields x of shape {shape} for T={T}, batch={batch}", _CONTRACT)
    if labels.dim() != 1 or len(labels) != shape[1]:
        held = f"{len(labels)} labels" if labels.dim() == 1 else f"labels of shape {list(labels.shape)}"
        raise PsubenchError(f"{what} yields {held} for {shape[1]} samples", _CONTRACT)
    if not x.float().isfinite().all():
        raise PsubenchError(f"{what} yields x with NaN or infinity as float32", "fix it")
    return x, labels
