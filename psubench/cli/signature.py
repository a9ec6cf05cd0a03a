"""From an options class to the options of a command: each field is declared once, in its class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from psubench.cli import completion, options
from psubench.cli.execute import Output
from psubench.errors import PsubenchError
from psubench.experiments.option import Declared, declared
from psubench.experiments.read_options import Given

Chosen = Callable[[Declared], bool]
OUTPUT: Mapping[str, Any] = {
    "out": options.Out, "resume": options.Resume, "dry_run": options.DryRun, "yes": options.Yes,
    "quiet": options.Quiet, "json": options.Json, "figures": options.Figures,
}  # fmt: skip


class Taking:
    """A function that becomes a command when its options are needed."""

    def __init__(self, function: Callable[..., None], kinds: Sequence[type], chosen: Chosen | None) -> None:
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self.function, self.kinds, self.chosen = function, kinds, chosen

    def __call__(self, **values: Any) -> None:
        """The command."""
        self.command()(**values)

    def command(self) -> Callable[..., None]:
        """The function with the signature that Typer reads."""
        own = self._fields()
        parameters = list(inspect.signature(self.function, eval_str=True).parameters.values())
        kept = [parameter for parameter in parameters if parameter.name not in ("given", "output")]
        made = [_parameter(field, optional=self.chosen is not None) for field in own]
        made += [_alias(field) for field in own if field.option and field.option.alias]
        outputs = [
            _keyword(name, kind, {"out": None, "figures": True}.get(name, False))
            for name, kind in OUTPUT.items()
        ]
        context = _keyword("context", typer.Context, inspect.Parameter.empty)

        def command(context: typer.Context, **values: Any) -> None:
            given = _given(own, context, values)
            rest = {parameter.name: values[parameter.name] for parameter in kept}
            self.function(**rest, given=given, output=Output(**{name: values[name] for name in OUTPUT}))

        signature = inspect.Signature([*map(_keyword_only, kept), context, *made, *outputs])
        command.__signature__ = signature  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return command

    def _fields(self) -> list[Declared]:
        """The options that the command line shows, each name once."""
        found: dict[str, Declared] = {}
        for field in (field for kind in self.kinds for field in declared(kind).values()):
            if field.option and field.option.command and (self.chosen is None or self.chosen(field)):
                found.setdefault(field.name, field)
        return list(found.values())


def takes(*kinds: type, chosen: Chosen | None = None) -> Callable[[Callable[..., None]], Taking]:
    """A decorator that gives a function the options of these classes and the options for results.

    The function is called with `given`, what stands on the command line, for `read_options`; with
    `output`; and with the parameters of its own beside the two.

    Args:
        chosen: the fields that are options; all by default. None of these has a default then: what is not
            given comes from elsewhere.
    """
    return lambda function: Taking(function, kinds, chosen)


def _given(own: Iterable[Declared], context: typer.Context, values: Mapping[str, Any]) -> dict[str, Given]:
    """What stands on the command line, in an option's own spelling or in its other one."""
    given = {}
    for field in own:
        alias = field.option.alias if field.option else None
        names = {field.name: field.flag, **({_name(alias): alias} if alias else {})}
        told = [name for name in names if _is_typed(context, name)]
        if len(told) > 1:
            raise PsubenchError(f"{field.flag} and {alias} are the same option", f"keep {field.flag}")
        for name in told:
            given[field.name] = Given(values[name], names[name])
    return given


def _is_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")


def _name(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def _parameter(field: Declared, *, optional: bool) -> inspect.Parameter:
    option = field.option
    assert option is not None
    words = option.help
    if field.type is bool:
        flags = f"{field.flag}/--no-{field.flag[2:]}" if field.default or optional else field.flag
        kind: Any = Annotated[bool | None, typer.Option(flags, help=words)]
        return _keyword(field.name, kind, None if optional else field.default)
    low, high = (field.meta.ge, field.meta.le) if field.meta else (None, None)
    if low is not None and high is not None:
        words += f" From {low:.12g} to {high:.12g}."
    completed = getattr(completion, option.completes) if option.completes else None
    kind = Annotated[
        str | None, typer.Option(field.flag, metavar=option.metavar, help=words, autocompletion=completed)
    ]
    return _keyword(field.name, kind, None if optional else field.shown_default)


def _alias(field: Declared) -> inspect.Parameter:
    assert field.option is not None
    assert field.option.alias is not None
    kind = Annotated[str | None, typer.Option(field.option.alias, hidden=True)]
    return _keyword(_name(field.option.alias), kind, None)


def _keyword(name: str, kind: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _keyword_only(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
