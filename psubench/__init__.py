"""psubench: spiking neurons, timed, with proof that they computed the right spikes."""

__version__ = "0.1.0"
