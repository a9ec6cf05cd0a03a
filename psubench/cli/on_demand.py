"""Commands whose options are created on demand: `psubench --help` lists commands without their options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_callback, get_params_convertors_ctx_param_name_from_function

from psubench.cli.signature import Taking


def defer(app: typer.Typer) -> None:
    """Turns all commands of an app, and of its groups, into such commands."""
    for info in app.registered_commands:
        assert info.callback is not None
        info.name, info.callback, info.cls = (
            info.name or info.callback.__name__,
            _stub(info.callback),
            OnDemand,
        )
    for group in app.registered_groups:
        if group.typer_instance is not None:
            defer(group.typer_instance)


def _stub(function: Callable[..., Any]) -> Callable[..., Any]:
    """A stub that Typer inspects instead of the function: its help without its options."""

    def stub() -> None:
        """Never called."""

    stub.__doc__ = function.__doc__
    stub.function = function  # type: ignore[attr-defined]
    return stub


class OnDemand(TyperCommand):
    """A command that inspects its function when its options are first needed."""

    def __init__(self, name: str | None, *, callback: Callable[..., Any], **rest: Any) -> None:
        self._function = callback.function  # type: ignore[attr-defined]
        self._made: list[Any] | None = None
        super().__init__(name, callback=callback, **rest)

    @property
    def params(self) -> list[Any]:
        """The options and arguments."""
        if self._made is None:
            function = self._function.command() if isinstance(self._function, Taking) else self._function
            made, convertors, context = get_params_convertors_ctx_param_name_from_function(function)
            self._made = list(made)
            self.callback = get_callback(
                callback=function,
                params=made,
                convertors=convertors,
                context_param_name=context,
                pretty_exceptions_short=False,
            )
        return self._made

    @params.setter
    def params(self, _: list[Any]) -> None:
        """The stub has none."""
