"""The work that a call does, counted without a clock, so that it does not depend on the machine's load.

Read `fingerprint` first; the other files each count one thing.
"""
