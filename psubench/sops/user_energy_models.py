"""The user's energy models: a TOML file with prices, or a function."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from psubench import plugins
from psubench.errors import PsubenchError, nearest
from psubench.sops.energy_models import TABLE, EnergyModel, Linear, unpriced
from psubench.sops.work import Work

_PRICES = [price.name for price in fields(Linear)]
_REQUIRED = ("source", "mac", "ac")
_TEXTS = ("name", "source")
_CONTRACT = (
    "an energy model is called with one argument, whose attributes are the counts (mac, ac, events, ..."
    "; None is unknown), returns picojoules or None, and has an attribute source"
)


def from_toml(path: str) -> EnergyModel:
    """The model in a TOML file: source, mac and ac; name, verified and further prices if it has them.

    Raises:
        PsubenchError: the file cannot be read, or its content is not valid.
    """
    what = f'energy model "{path}"'
    try:
        given = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PsubenchError(f"{what}: {error.strerror}", "check the path") from None
    except (ValueError, RecursionError) as error:  # tomllib raises it, also for numbers that are too long
        raise PsubenchError(f"{what} is not valid TOML: {error}", "correct that line") from None
    known = [*_TEXTS, "verified", *_PRICES]
    for key, value in given.items():
        if key not in known:
            raise PsubenchError(f'{what} has a key "{key}"', nearest(key, known))
        _check(what, key, value)
    for key in _REQUIRED:
        if key not in given:
            raise PsubenchError(f"{what} has no {key}", f"it needs {', '.join(_REQUIRED)}")
    prices = {key: float(given[key]) for key in _PRICES if key in given}
    price = Linear(**prices)
    missing = [", ".join(key for key in _PRICES if key not in given), unpriced(price)]
    name = given.get("name", Path(path).stem)
    if name in TABLE:
        raise PsubenchError(f'{what} is called "{name}", like a built-in one', "choose another name")
    return EnergyModel(
        name, prices, given["source"], given.get("verified", False), "; ".join(filter(None, missing)), price
    )


def _check(what: str, key: str, value: Any) -> None:
    if key in _TEXTS:
        right, form = isinstance(value, str) and bool(value.strip()), "a string"
    elif key == "verified":
        right, form = isinstance(value, bool), "true or false"
    else:
        right = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        right, form = right and value >= 0, "a non-negative number of picojoules"
    if not right:
        raise PsubenchError(f"{what}: {key} = {value!r}", f"{key} is {form}")


def from_plugin(text: str) -> EnergyModel:
    """The model that a function computes: `package.module:function` or `path/file.py:function`.

    Raises:
        PsubenchError: it cannot be called, or has no source.
    """
    price = plugins.load(text)
    what = f'energy model "{text}"'
    if not callable(price):
        raise PsubenchError(f"{what} is a {type(price).__name__}", _CONTRACT)
    source = getattr(price, "source", None)
    if not isinstance(source, str) or not source.strip():
        raise PsubenchError(f"{what} has source {source!r}", _CONTRACT)
    guarded = _guarded(price, what)
    guarded(Work())  # a function that always fails fails now, not after the measurement
    return EnergyModel(text, {}, source, False, unpriced(None), guarded)


def _guarded(price: Callable[..., Any], what: str) -> Callable[[Work], float | None]:
    def guarded(work: Work) -> float | None:
        try:
            value = price(work)
        except Exception as error:
            raise PsubenchError(
                f"{what} raises {plugins.one_line(error)} for {asdict(work)}", _CONTRACT
            ) from error
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise PsubenchError(f"{what} gives {value!r}", _CONTRACT)
        return float(value)

    return guarded
