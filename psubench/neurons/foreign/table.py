"""THE table of foreign neurons: libraries, how to install them, their neurons. Imports none of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from psubench.errors import PsubenchError, nearest


@dataclass(frozen=True)
class Library:
    """A library whose neurons have an adapter.

    Attributes:
        name: of its module, its distribution and the part before the colon.
        install: arguments of pip install.
        mode: how its neurons iterate over time here, in a phrase.
        lif: the text of its LIF neuron with τ = 2, or the equivalent decay β = 1/2, for `peers`.
        neurons: descriptions by name.
    """

    name: str
    install: str
    mode: str
    lif: str
    neurons: Mapping[str, str]

    @property
    def version(self) -> str | None:
        """Installed version; None if it is not installed. Does not import it."""
        if importlib.util.find_spec(self.name) is None:
            return None
        from importlib import metadata  # with its mail parser it would take a tenth of `psubench --help`

        try:
            return metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return None


_LIBRARIES = (
    Library(
        "spikingjelly", "--no-deps spikingjelly==2.0.0 loguru tqdm", "multi-step module",
        "spikingjelly:LIFNode(v_reset=none,detach_reset=true)",
        {
            "LIFNode": "LIF, hard reset by default",
            "ParametricLIFNode": "LIF with a learned time constant",
            "PSN": "parallel spiking neuron",
            "MaskedPSN": "PSN with a causal band",
            "SlidingPSN": "PSN with a window that slides",
            "ComplementaryLIFNode": "LIF whose reset deepens with every spike",
            "CUBALIFNode": "LIF with a synaptic current",
            "ILIFNode": "LIF that fires counts",
            "GatedLIFNode": "LIF with learned gates",
        },
    ),
    Library(
        "snntorch", "--no-deps snntorch==1.0.0", "loop over single steps",
        "snntorch:Leaky",
        {
            "Leaky": "LIF whose reset comes one step later",
            "Synaptic": "LIF with a synaptic current",
        },
    ),
    Library(
        "norse", "--no-deps norse==1.1.0 nir nirtorch", "loop over single steps",
        "norse:LIFBoxCell",
        {
            "LIFBoxCell": "LIF, hard reset",
            "LIFCell": "LIF with a synaptic current, hard reset",
        },
    ),
    Library(
        "sinabs", "--no-deps sinabs==3.1.3 nir nirtorch pbr", "loop inside the library, batch before time",
        "sinabs:LIF",
        {
            "LIF": "LIF with a learned time constant, one spike per step at most",
            "ALIF": "LIF with an adaptive threshold",
        },
    ),
    Library(
        "spyx", "spyx==1.0.0 jax==0.10.2", "compiled scan of JAX",
        "spyx:LIF",
        {"LIF": "LIF whose spike comes one step after its cause"},
    ),
)  # fmt: skip
LIBRARIES: Mapping[str, Library] = MappingProxyType({library.name: library for library in _LIBRARIES})


def library_of(kind: str) -> Library | None:
    """The library that `library:Neuron` names; None where `kind` is something else."""
    return LIBRARIES.get(kind.partition(":")[0])


def check(kind: str) -> None:
    """Raises PsubenchError if `library:Neuron` names an unknown neuron or a library that is not installed."""
    library = library_of(kind)
    if library is None:
        return
    name = kind.partition(":")[2]
    if name not in library.neurons:
        raise PsubenchError(f'{library.name} has no neuron "{name}" here', nearest(name, library.neurons))
    if library.version is None:
        raise PsubenchError(f'"{kind}": {library.name} is not installed', f"pip install {library.install}")


def adapter(kind: str) -> str:
    """`module:attribute` of the adapter of `library:Neuron`; the text itself where it is something else."""
    library = library_of(kind)
    return kind if library is None else f"{__package__}.{kind}"


def installed() -> list[Library]:
    """The libraries that are installed."""
    return [library for library in _LIBRARIES if library.version is not None]


def peers() -> list[str]:
    """The LIF of every library that is installed.

    Raises:
        PsubenchError: none is.
    """
    found = [library.lif for library in installed()]
    if not found:
        raise PsubenchError(
            f"none of {', '.join(LIBRARIES)} is installed",
            "scripts/peers-environment creates an environment with all of them",
        )
    return found
