"""What runs hold as one HTML page.

A kind of run becomes a `Part`, by a function that `experiments.registry` names; `page` renders all.
"""
