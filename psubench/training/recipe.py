"""How a network is trained: the values of a recipe, read strictly from TOML. Imports no torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from psubench.errors import PsubenchError, nearest
from psubench.plugins import Value, show_value

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "loss": ("cross-entropy", "mse", "tet"),
        "optimizer": ("adamw", "sgd"),
        "schedule": ("cosine", "one-cycle", "constant"),
        "precision": ("float32", "bfloat16", "float16"),
    }
)
_LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "epochs": (1, 100_000),
        "batch": (1, 1_000_000),
        "lr": (1e-12, 1e3),
        "weight_decay": (0.0, 10.0),
        "momentum": (0.0, 0.9999),
        "clip": (0.0, 1e9),
        "label_smoothing": (0.0, 0.99),
        "tet_weight": (0.0, 1.0),
        "lambda_share": (0.0, 1.0),
        "eval_samples": (1, 1000),
        "shift": (0, 64),
        "time_shift": (0, 1000),
        "drop": (0.0, 0.99),
    }
)


@dataclass(frozen=True)
class Augment:
    """What is done to training samples, each drawn anew in every epoch.

    Attributes:
        flip: mirror half of the samples left to right; for steps of shape [C, H, W].
        shift: roll by up to so many pixels, up or down and left or right; for steps of shape [C, H, W].
        time_shift: move by up to so many steps, earlier or later; what leaves is lost, zeros come in.
        drop: probability with which an element of the input is set to zero.
    """

    flip: bool = False
    shift: int = 0
    time_shift: int = 0
    drop: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults suit the small embedded data sets.

    Attributes:
        epochs: passes over the training split.
        batch: samples per step of the optimizer, over all processes.
        loss: "cross-entropy" and "mse" (against one-hot labels) of the mean over T; "tet" of every step
            (Deng et al. 2022, arXiv:2202.11946).
        label_smoothing: of the cross-entropy.
        tet_weight: λ of tet, the weight of its mean squared error to 1.
        optimizer: "adamw" or "sgd", with `lr`, `weight_decay`, and `momentum` for sgd.
        schedule: of the learning rate, stepped per batch: "cosine" to 0, "one-cycle" with `lr` as its
            peak, or "constant".
        clip: largest norm of the gradient; 0 for no limit.
        precision: of synaptic layers under autocast; neurons always compute in float32.
        deterministic: refuse operations whose result may vary between runs.
        lambda_share: share of the epochs over which λ of a masked PSN rises from 0 to 1.
        eval_samples: passes over which the logits of a stochastic neuron are averaged in testing.
        neuron: parameters given to every neuron that has them, unless its own text sets them: for example
            threshold = 0.3 or init = "leak".
    """

    epochs: int = 20
    batch: int = 64
    loss: str = "cross-entropy"
    label_smoothing: float = 0.1
    tet_weight: float = 0.05
    optimizer: str = "adamw"
    lr: float = 5e-3
    weight_decay: float = 0.01
    momentum: float = 0.9
    schedule: str = "one-cycle"
    clip: float = 1.0
    precision: str = "float32"
    deterministic: bool = False
    lambda_share: float = 0.5
    eval_samples: int = 8
    augment: Augment = field(default_factory=Augment)
    neuron: Mapping[str, Value] = field(default_factory=dict)

    def canonical(self) -> dict[str, Any]:
        """Fields and values as the record holds them."""
        return {**asdict(self), "neuron": dict(self.neuron)}


@dataclass(frozen=True)
class Task:
    """What is trained, and how; a neuron and a seed make it a training.

    Attributes:
        model, data: texts as the command line takes them; without data, those that the network is meant for.
        T: time steps; None takes the network's.
    """

    model: str = "mlp"
    data: str | None = None
    T: int | None = None
    recipe: Recipe = field(default_factory=Recipe)


Values = TypeVar("Values", Recipe, Augment)


def read(path: Path) -> Task:
    """The task in a TOML file: `model`, `data`, `T`, and the tables `[recipe]`, `[augment]`, `[neuron]`.

    Raises:
        PsubenchError: the file cannot be read, is no TOML, or holds an unknown name or a bad value; the
            file is named.
    """
    table = table_of(path)
    known = ("model", "data", "T", "recipe", "augment", "neuron")
    check_known(table, known, str(path))
    where = str(path)
    for name in ("recipe", "augment", "neuron"):
        if not isinstance(table.get(name, {}), dict):
            raise PsubenchError(f"{where}: {name} is no table", f"write [{name}] above its values")
    augment = changed(Augment(), table.get("augment", {}), f"{where} [augment]")
    given = dict(table.get("recipe", {}))
    for name in ("augment", "neuron"):
        if name in given:
            raise PsubenchError(f"{where} [recipe] holds {name}", f"write a table [{name}] of its own")
    recipe = changed(Recipe(), given, f"{where} [recipe]")
    recipe = replace(recipe, augment=augment, neuron=_neuron(table.get("neuron", {}), f"{where} [neuron]"))
    task = {name: table[name] for name in ("model", "data", "T") if name in table}
    for name, value in task.items():
        right = type(value) is int and value >= 1 if name == "T" else isinstance(value, str)
        if not right:
            wanted = "a positive whole number" if name == "T" else "a text"
            raise PsubenchError(f"{where}: {name} = {value!r}", f"{name} is {wanted}")
    return Task(**task, recipe=recipe)


def table_of(path: Path) -> dict[str, Any]:
    """The content of a TOML file; PsubenchError with its name and what is wrong in it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PsubenchError(f"cannot read {path}: {error.strerror}", "check the path") from None
    except (ValueError, RecursionError) as error:  # what tomllib raises, for numbers too long as well
        raise PsubenchError(f"{path} is no TOML: {error}", "mend that line") from None


def check_known(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """Raises PsubenchError for the first key that is not known, with the nearest that is."""
    for key in table:
        if key not in known:
            raise PsubenchError(f'{where} has no value "{key}"', nearest(key, known))


def changed(values: Values, given: Mapping[str, Any], where: str) -> Values:
    """A copy with the given values in the place of its own, each checked.

    Args:
        where: the file and table, or the options, that gave them; for errors.
    """
    own = {f.name: getattr(values, f.name) for f in fields(values)}
    check_known(given, tuple(own), where)
    return replace(values, **{key: _checked(key, value, own[key], where) for key, value in given.items()})


def _checked(key: str, value: Any, default: Any, where: str) -> Any:
    """The value in the type of the default."""
    if key in CHOICES:
        if value not in CHOICES[key]:
            raise PsubenchError(f'{where}: {key} "{value}" does not exist', nearest(str(value), CHOICES[key]))
        return value
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise PsubenchError(f"{where}: {key} = {value!r}", f"{key} is true or false")
        return value
    low, high = _LIMITS[key]
    whole = isinstance(default, int)
    if type(value) is not int and (whole or type(value) is not float):
        raise PsubenchError(f"{where}: {key} = {value!r}", f"{key} is a {'whole ' * whole}number")
    if not low <= value <= high:
        raise PsubenchError(f"{where}: {key} = {value}", f"{key} goes from {low:g} to {high:g}")
    return type(default)(value)


def _neuron(given: Mapping[str, Any], where: str) -> dict[str, Value]:
    """Parameters of neurons, known to at least one; their ranges are checked where a neuron takes them."""
    from psubench.neurons import TABLE

    known = tuple(dict.fromkeys(key for spec in TABLE.values() for key in spec.parameters))
    check_known(given, known, where)
    for key, value in given.items():
        if not isinstance(value, bool | int | float | str):
            raise PsubenchError(f"{where}: {key} = {show_value(str(value))}", f"{key} is a number or a word")
    return dict(given)
