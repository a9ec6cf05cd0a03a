"""The questions that psubench asks about a neuron, one folder each, and the options that they share."""
