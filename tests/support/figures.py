"""What a figure shows."""

from functools import cache

from psubench.experiments.speed import figures as speed_figures


def drawn(name, rows):
    return _drawn(tuple(rows))[name]


@cache
def _drawn(rows):
    return dict(speed_figures.figures(rows))


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)
