"""`psubench list`: built-in names, one line each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from psubench.cli import data
from psubench.cli import options as o
from psubench.errors import PsubenchError

app = typer.Typer(
    help="Lists neurons, networks, data sets, runs, devices and energy models.", rich_markup_mode=None
)


@app.command()
def neurons(
    json: o.Json = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the neurons of other libraries, installed or not.")
    ] = False,
) -> None:
    """Lists every neuron: equation, whether it is causal, relation to LIF, source.

    Example: psubench list neurons --all
    """
    from psubench.render import listing

    listing.show([*_built_in(), *(_foreign() if everything else [])], json=json)


def _built_in() -> list[dict[str, Any]]:
    from psubench.neurons import TABLE

    return [
        {
            "neuron": spec.name,
            "equation": spec.equation,
            "learnable": spec.learnable,
            "causal": spec.causal,
            "against LIF": spec.relation,
            "implementations": ", ".join(spec.implementations),
            "parameters": ", ".join(f"{name}={value}" for name, value in spec.parameters.items()),
            "source": spec.source,
        }
        for spec in TABLE.values()
    ]


def _foreign() -> list[dict[str, Any]]:
    from psubench.neurons.foreign.table import LIBRARIES

    return [
        {
            "neuron": f"{library.name}:{name}",
            "what": what,
            "how": library.mode,
            "installed": library.version or f"no; pip install {library.install}",
        }
        for library in LIBRARIES.values()
        for name, what in library.neurons.items()
    ]


app.command(name="data")(data.listed)


@app.command()
def models(json: o.Json = False) -> None:
    """Lists every network: its layers, the steps and classes that it takes, its source.

    Example: psubench list models
    """
    from psubench.models import TABLE
    from psubench.render import listing

    listing.show(
        [
            {
                "model": spec.name,
                "layers": spec.geometry,
                "step": "that of the data" if spec.input_shape is None else list(spec.input_shape),
                "classes": spec.classes,
                "T": spec.T,
                "data": spec.real,
                "parameters": ", ".join(f"{name}={value:g}" for name, value in spec.parameters.items()),
                "source": spec.source,
            }
            for spec in TABLE.values()
        ],
        json=json,
    )


@app.command()
def runs(json: o.Json = False) -> None:
    """Lists the runs in reports/, the latest first: kind, when, cases, whether complete.

    Example: psubench list runs
    """
    from psubench.cli.saved_runs import saved
    from psubench.render import listing

    listing.show([_facts(folder) for folder in saved()], json=json)


def _facts(folder: Path) -> dict[str, Any]:
    from psubench.experiments.registry import kind_of
    from psubench.records import jsonl
    from psubench.records.run import End, Run

    try:
        records = jsonl.read(jsonl.locate(folder))
        kind = kind_of(records).name
    except PsubenchError as error:  # one that is damaged, or a self-test
        return {"run": str(folder), "kind": error.what}
    headers = [record for record in records if isinstance(record, Run)]
    ended = next((one.status for one in reversed(records) if isinstance(one, End)), None)
    return {
        "run": str(folder),
        "kind": kind,
        "started": headers[0].started,
        "psubench": headers[-1].psubench,
        "cases": len({one.key for header in headers for one in header.cases}),
        "ended": ended or "interrupted",
    }


@app.command()
def devices(json: o.Json = False) -> None:
    """Lists every device of this machine, and why others are missing.

    Example: psubench list devices --json
    """
    from psubench.devices import available
    from psubench.render import listing

    listing.show([{"device": d.name, "about": d.about, "usable": d.usable} for d in available()], json=json)


@app.command(name="energy-models")
def energy_models(json: o.Json = False) -> None:
    """Lists every energy model: picojoules per operation, source, what it leaves out.

    Example: psubench list energy-models
    """
    from psubench.render import listing
    from psubench.sops.energy_models import TABLE, parse

    models = [(parse(name), spec) for name, spec in TABLE.items()]
    listing.show(
        [
            {
                "energy model": model.name,
                "source": f"estimate: {model.source}",
                "verified": model.verified,
                "pJ": ", ".join(f"{name} {price:g}" for name, price in model.constants.items()),
                "leaves out": model.omits,
                "parameters": ", ".join(f"{name}={value:g}" for name, value in spec.parameters.items())
                or "-",
            }
            for model, spec in models
        ],
        json=json,
    )
