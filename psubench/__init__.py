"""psubench times spiking neurons and proves that they computed the right spikes."""

__version__ = "0.1.0"
