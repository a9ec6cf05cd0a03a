"""The process of `psubench.models.preflight`: one line of JSON about one model plug-in on standard output."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from psubench import models, neurons, plugins
from psubench.errors import PsubenchError, WrongError
from psubench.models import ModelRef, Network, plugin
from psubench.models.preflight import Question


def main() -> None:
    """Answers the question that the first argument holds."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a plug-in prints
    answer: dict[str, Any]
    try:
        answer = {"own": own(_question(json.loads(sys.argv[1])))}
    except PsubenchError as error:
        answer = {"what": error.what, "remedy": error.remedy}
    print("\n" + json.dumps(answer), file=answers, flush=True)
    os._exit(0)  # threads that a plug-in has started end nothing


def _question(given: dict[str, Any]) -> Question:
    step = None if given["step"] is None else tuple(given["step"])
    return Question(**{**given, "neurons": tuple(given["neurons"]), "step": step})


def own(question: Question) -> bool:
    """Whether the plug-in has neurons of its own.

    Raises:
        PsubenchError: what is wrong with it, whichever neuron it is given.
    """
    ref = models.parse(question.model)
    takes = plugin.takes_neuron(ref)
    if takes is False:
        _check(ref, None, question)
        return True
    problem = _with_neurons(ref, question)
    if problem is None:
        return False
    if takes:
        raise problem
    try:  # **kwargs may pass neuron= on, or may not
        _check(ref, None, question)
    except PsubenchError:
        raise problem from None
    return True


def _with_neurons(ref: ModelRef, question: Question) -> PsubenchError | None:
    """Why the plug-in is right with none of the neurons that can be built; None if it is with one."""
    first: PsubenchError | None = None
    for text in question.neurons:
        named = neurons.parse(text)
        try:
            neurons.build(named, question.T)
        except Exception:  # the neuron's fault, which costs its rows alone
            continue
        try:
            _check(ref, named, question)
        except PsubenchError as error:
            first = first or error
        else:
            return None
    return first


def _check(ref: ModelRef, named: neurons.NeuronRef | None, question: Question) -> None:
    """Raises PsubenchError if the plug-in cannot be built, or called, with a neuron; None is its own."""
    T = question.T
    if question.noise is None and question.step is None and plugin.step_shape(ref) is None:
        return  # only data that are code know the shape
    shape = models.shape_for(ref, question.step, question.noise or "the data")
    try:
        network = models.build(ref, None if named is None else lambda: neurons.build(named, T), T, shape, 10)
    except WrongError as error:
        what, mark, remedy = str(error).partition("; ")
        if not mark:
            what, _, remedy = what.partition(": ")
        raise PsubenchError(f'model plug-in "{ref.name}": {what}', remedy) from None
    if question.here and network.failure is not None:
        _again(ref, network, question)


def _again(ref: ModelRef, network: Network, question: Question) -> None:
    """Raises PsubenchError unless the network takes the batch of its case, on which it may insist."""
    import torch

    x = torch.zeros(question.T, question.batch, *network.input_shape)
    try:
        with torch.no_grad():
            network.module.eval()(x)
    except PsubenchError as error:
        raise error from None
    except Exception as error:
        raise PsubenchError(
            f'model plug-in "{ref.name}" raises {plugins.one_line(error)}',
            f"it is called with x of shape {list(x.shape)}, [T, B, *]",
        ) from None


if __name__ == "__main__":
    main()
