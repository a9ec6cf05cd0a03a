"""psubench: how fast, how sparse and how energy-hungry a spiking neuron is, measured."""

__version__ = "0.1.0"
