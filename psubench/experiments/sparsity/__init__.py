"""How many spikes and synaptic operations are there?"""
