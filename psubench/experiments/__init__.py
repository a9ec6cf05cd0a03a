"""The questions that psubench asks about a neuron, a folder each, and what all of them may be asked."""
