"""Checks in a separate process that plug-ins can be imported and called.

`psubench.runs.preflight` gives a list of plug-ins on standard input, as JSON; the answer is the last line
of standard output: null, or the problem of the first bad one and its remedy.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from typing import Any

from psubench import data, neurons, plugins
from psubench.errors import PsubenchError
from psubench.neurons.construct import check_plugin


def main() -> None:
    """Answers once."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # output of a plug-in is not an answer
    told = None
    try:
        for one in json.load(sys.stdin):
            _check(one)
    except PsubenchError as error:
        told = {"what": error.what, "remedy": error.remedy}
    print(json.dumps(told), file=answer, flush=True)
    os._exit(0)  # whatever threads a plug-in has started


def _check(one: dict[str, str]) -> None:
    if one["kind"] == "neuron":
        check_plugin(neurons.parse(one["text"]))
        return
    ref = data.parse(one["text"])
    _check_parameters(plugins.load(ref.kind), dict(ref.parameters), f'data plug-in "{ref.name}"')


def _check_parameters(make: object, parameters: dict[str, Any], what: str) -> None:
    if not callable(make):
        return  # a data set, or something that will be told when it is used
    try:
        inspect.signature(make).bind_partial(**parameters)
    except ValueError:  # some builtins have none
        return
    except TypeError as error:
        told = plugins.one_line(error)
        raise PsubenchError(f"{what} cannot be called: {told}", "check its parameters") from None


if __name__ == "__main__":
    main()
