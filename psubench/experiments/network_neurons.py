"""Which neurons a network is measured with: those that are named, or those that it brings along. No torch."""

from __future__ import annotations

from psubench import data
from psubench.errors import PsubenchError
from psubench.experiments.axes import FIVE
from psubench.models import ModelRef
from psubench.models.preflight import Question, brings_neurons
from psubench.neurons import OWN, NeuronRef, parse, parse_list


def asked(
    text: str, model: ModelRef | None, *, data_name: str, T: int, batch: int, device: str, unsaid: str = FIVE
) -> list[NeuronRef]:
    """The neurons of a list, or the one that stands for those that a network brings along.

    A plug-in is looked at, see `psubench.models.preflight`.

    Args:
        text: of the list.
        model: the network; None for one layer.
        T, batch: of its first case.
        unsaid: the list of those who name no neurons.

    Raises:
        PsubenchError: a name is unknown, a plug-in is not what it must be, or network and neurons do not fit.
    """
    refs = parse_list(text)
    own_asked = any(ref.kind == OWN for ref in refs)
    if model is None or not model.is_plugin:
        if own_asked:
            what = "one layer" if model is None else f'model "{model.name}"'
            raise PsubenchError(
                f'neuron "{OWN}": {what} has none of its own', "name neurons such as lif, or a model plug-in"
            )
        return refs
    texts = tuple(ref.text for ref in refs if ref.kind != OWN)
    step, noise = _steps(data_name)
    own = brings_neurons(Question(model.name, texts, T, batch, step, noise, device.startswith("cpu")))
    if own and text.strip() not in (unsaid, OWN):
        raise PsubenchError(
            f'model plug-in "{model.name}" takes no neuron and is measured with its own',
            f"leave --neurons out, or let it take neuron= to be measured with {text}",
        )
    if own_asked and not own:
        raise PsubenchError(
            f'neuron "{OWN}": model plug-in "{model.name}" takes neuron= and has none of its own',
            "name neurons such as lif",
        )
    return [parse(OWN)] if own else refs


def _steps(data_name: str) -> tuple[tuple[int, ...] | None, str | None]:
    """Shape of a step of the data, if it is known without running their code; their name if any will do."""
    source = data.parse(data_name)
    if source.is_plugin:
        return None, None
    step = data.TABLE[source.kind].step
    return step, source.name if step is None else None
