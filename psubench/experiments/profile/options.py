"""What `psubench profile` may be asked."""

from typing import Annotated

from psubench.experiments.axes import Calls, Phase
from psubench.experiments.option import Option

Tensorboard = Annotated[bool, Option("Then show the traces in TensorBoard on this machine.", suite=None)]


class ProfileOptions(Calls, frozen=True, kw_only=True):
    """What happens during a call; one value of each range, so that a trace is of one case."""

    phase: Phase = ("train",)
    tensorboard: Tensorboard = False
