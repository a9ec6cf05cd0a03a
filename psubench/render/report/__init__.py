"""What runs hold as one HTML page and as a folder for a paper.

A kind of run becomes a `Part` (its function stands in `kinds`); `page` and `paper` render parts of any kind.
"""
