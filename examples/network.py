"""A network of one's own: linear layers with shortcuts around the spiking layers, for spoken digits.

A spiking layer is made by calling `neuron()`, so that any neuron fits in; psubench finds them by itself,
checks each against its reference, and counts and names the layers between them.

    $ psubench speed --model "examples/network.py:residual(hidden=32)" --data spoken-digits --T 16 --neurons lif,psu --phase train --processes 1 --max-seconds 0.2
    $ psubench profile --model examples/network.py:residual --data spoken-digits --T 16 --neurons lif,psu
"""  # noqa: E501

from torch import nn


class Residual(nn.Module):
    """x [T, B, 26] to logits [B, 10]: two blocks y + S(BN(W y)) behind a first spiking layer.

    Args:
        neuron: makes one spiking layer [T, B, *] -> [T, B, *].
        hidden: features of every block.
    """

    def __init__(self, neuron, hidden):
        super().__init__()
        self.inward, self.first = nn.Linear(26, hidden), neuron()
        self.weights = nn.ModuleList(nn.Linear(hidden, hidden, bias=False) for _ in range(2))
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(2))
        self.neurons = nn.ModuleList(neuron() for _ in range(2))
        self.outward = nn.Linear(hidden, 10)

    def forward(self, x):
        """Logits, the mean over T of the last layer."""
        T, B = x.shape[:2]
        y = self.first(self.inward(x))
        for weight, norm, neuron in zip(self.weights, self.norms, self.neurons, strict=True):
            current = norm(weight(y).flatten(0, 1)).unflatten(0, (T, B))
            y = y + neuron(current)
        return self.outward(y).mean(0)


def residual(*, neuron, T, hidden=64):
    """Called by psubench with `neuron`, `T` and what stands in parentheses on the command line."""
    return Residual(neuron, hidden)


residual.input_shape = (26,)  # of one step of one sample
