"""`psubench list`: what there is, one line each."""

from __future__ import annotations

import typer

from psubench.cli import options as o

app = typer.Typer(help="What there is: neurons, data, devices.", rich_markup_mode=None)


@app.command()
def neurons(json: o.Json = False) -> None:
    """Every neuron: its equation, whether it is causal, its relation to LIF, its source.

    Example: psubench list neurons
    """
    from psubench.neurons import TABLE
    from psubench.render import listing

    listing.show(
        [
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
        ],
        json=json,
    )


@app.command()
def data(json: o.Json = False) -> None:
    """Every data set: what it is, its shape, where it comes from.

    Example: psubench list data
    """
    from psubench.data import TABLE
    from psubench.render import listing

    listing.show(
        [
            {
                "data": spec.name,
                "description": spec.description,
                "real": spec.real,
                "shape": spec.shape,
                "source": spec.source,
                "licence": spec.licence,
            }
            for spec in TABLE.values()
        ],
        json=json,
    )


@app.command()
def devices(json: o.Json = False) -> None:
    """Every device of this machine, and why another is missing.

    Example: psubench list devices --json
    """
    from psubench.devices import available
    from psubench.render import listing

    listing.show([{"device": d.name, "about": d.about, "usable": d.usable} for d in available()], json=json)
