"""Options of `psubench profile`."""

from typing import Annotated

from psubench.experiments.axes import Calls, Phase
from psubench.experiments.option import Option

Tensorboard = Annotated[bool, Option("Show the traces in TensorBoard afterwards.", suite=None)]


class ProfileOptions(Calls, frozen=True, kw_only=True):
    """What happens during a call; each range has one value, so that a trace is of one case."""

    phase: Phase = ("train",)
    tensorboard: Tensorboard = False
