"""What a figure shows."""

from psubench.experiments.speed import figures as speed_figures


def drawn(name, rows):
    return dict(speed_figures.figures(rows))[name]


def panel(figure, title):
    return next(axes for axes in figure.axes if axes.get_title() == title)
