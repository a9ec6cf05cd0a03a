"""`psubench sparsity`: firing rates, synaptic operations, energy estimates and feature maps of a network."""

from __future__ import annotations

from psubench.cli.execute import Output, run
from psubench.cli.signature import takes
from psubench.experiments.read_options import Given
from psubench.experiments.sparsity.options import SparsityOptions


@takes(SparsityOptions)
def sparsity(given: dict[str, Given], output: Output) -> None:
    """Counts spikes and operations of a network and estimates energy.

    Example: psubench sparsity --model "vggsnn(width=0.25)" --T 10 --neurons lif,psn,psu
    """
    run("sparsity", given, output)
