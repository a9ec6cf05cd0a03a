"""The gate: no time without proven equality.

An implementation is compared with its slow float64 reference on the very input that will be timed and
on a seeded noise input, of 65,536 entries for one layer, so that a small case is no weak test. Rounding may
flip a spike whose membrane potential lies within rounding of the threshold (a tie), and a flip changes
what follows in the same trace. A difference is excused only if the reference itself flips there, or
earlier in that trace, when its input is perturbed by that dtype's tolerance.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from psubench.errors import WrongError
from psubench.neurons import check_input
from psubench.neurons.spikes import spikes_of

PROBE_ENTRIES = 65_536  # of the noise that one layer, or all spiking layers of a network, are checked with
PERTURBATIONS = 3


@dataclass(frozen=True)
class Tolerance:
    """What a dtype's rounding may do over T accumulated steps.

    Attributes:
        perturbation: relative perturbation of the input under which a flip counts as a tie.
        gradient: largest difference of a gradient relative to the largest entry of the
            reference's.
        tied: largest fraction of traces that ties may excuse before the check says nothing.
    """

    perturbation: float
    gradient: float
    tied: float


TOLERANCES = {
    torch.float64: Tolerance(1e-11, 1e-8, 0.01),
    torch.float32: Tolerance(1e-5, 1e-3, 0.01),
    torch.bfloat16: Tolerance(3e-2, 0.25, 0.9),
}


@dataclass(frozen=True)
class Gate:
    """Checks one module against its reference.

    Attributes:
        module: the very object that is going to be timed.
        reference: float64 twin on the CPU with the same weights, or None.
        causal: whether the neuron claims that its output does not depend on later input.
        gradients: whether gradients are compared too (phase `train`).
        seed: of the probe input, the cotangent and the perturbations; also set before every call, so
            that a stochastic neuron and its reference draw the same numbers.
        mark: called before each call of the module or its reference: a sign of life.
        entries: of the noise input, at least.
    """

    module: nn.Module
    reference: nn.Module | None
    causal: bool | None
    gradients: bool
    seed: int
    mark: Callable[[], None]
    entries: int = PROBE_ENTRIES

    def check(self, x: Tensor) -> None:
        """Raises WrongError at the first disagreement.

        Args:
            x: input current [T, B, *features] as it will be timed, without gradient.
        """
        check_input(x)
        for name, current in (("its input", x), ("noise", self._probe(x))):
            self._check_on(current, name)

    def _check_on(self, x: Tensor, name: str) -> None:
        spikes = self.spikes(x)
        self._check_shape(spikes, x)
        if not torch.equal(spikes, self.spikes(x)):
            raise WrongError(f"a second call on {name} gives other spikes: state is kept between calls")
        tied = torch.zeros(x.shape, dtype=torch.bool)
        if self.reference is not None:
            tied = self._compare_spikes(spikes, x, name)
            if self.gradients:
                self._compare_gradients(x, tied, name)
        elif self.gradients:
            self._gradients(self.module, x, torch.ones_like(x))  # it must have one, right or not
        if self.causal:
            self._check_causal(spikes, x, tied)

    def _probe(self, x: Tensor) -> Tensor:
        """N(1, 1) noise shaped like x but for the batch, which is as large as `entries` needs."""
        batch = -(-self.entries * x.shape[1] // x.numel())
        shape = (x.shape[0], batch, *x.shape[2:])
        noise = torch.randn(shape, generator=self._generator(), dtype=torch.float64)
        return (noise + 1).to(x.device, x.dtype)

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def spikes(self, x: Tensor) -> Tensor:
        """The module's output on x with the seed set, so that equal calls give equal spikes."""
        self.mark()
        torch.manual_seed(self.seed)
        with torch.no_grad():
            return spikes_of(self.module(x))

    def _check_shape(self, spikes: Tensor, x: Tensor) -> None:
        for what, got, due in (
            ("shape", tuple(spikes.shape), tuple(x.shape)),
            ("dtype", spikes.dtype, x.dtype),
            ("device", spikes.device.type, x.device.type),
        ):
            if got != due:
                raise WrongError(f"returns {what} {got} for input of {what} {due}")
        if not torch.isfinite(spikes).all():
            raise WrongError("returns NaN or infinity for finite input")

    def _compare_spikes(self, spikes: Tensor, x: Tensor, name: str) -> Tensor:
        """Entries [T, B, *] that a tie may have changed; empty where all spikes agree."""
        exact = x.detach().to("cpu", torch.float64)
        expected = self._expected(exact)
        differs = (spikes.to("cpu", torch.float64) - expected).abs() > 1e-3
        tied = torch.zeros_like(differs)
        if not differs.any():
            return tied
        for perturbed in self._perturbed(exact, TOLERANCES[x.dtype].perturbation):
            tied |= _from_first(self._expected(perturbed) != expected)
        if (differs & ~tied).any():
            raise WrongError(_where_spikes_differ(differs & ~tied, spikes, expected, name))
        fraction = float((tied & differs).any(0).double().mean())
        if fraction > TOLERANCES[x.dtype].tied:
            raise WrongError(f"spikes on {name}: {fraction:.1%} of the traces hang on ties, too many to tell")
        return _from_first(differs)

    def _expected(self, exact: Tensor) -> Tensor:
        assert self.reference is not None
        self.mark()
        torch.manual_seed(self.seed)
        with torch.no_grad():
            return spikes_of(self.reference(exact))

    def _perturbed(self, exact: Tensor, size: float) -> Iterator[Tensor]:
        # Scaling moves the membrane towards or away from the threshold; the random signs serve where
        # the threshold is near zero, so that scaling moves nothing.
        scale = size * exact.square().mean().sqrt()
        generator = self._generator()
        yield exact * (1 + size)
        yield exact * (1 - size)
        for _ in range(PERTURBATIONS):
            signs = torch.randint(0, 2, exact.shape, generator=generator).double() * 2 - 1
            yield exact + scale * signs
            yield exact - scale * signs

    def _compare_gradients(self, x: Tensor, tied: Tensor, name: str) -> None:
        """Gradients of a linear functional of the spikes that leaves out what ties have changed."""
        assert self.reference is not None
        weights = torch.rand(x.shape, generator=self._generator(), dtype=torch.float64) + 0.5
        weights[tied] = 0
        got = self._gradients(self.module, x, weights.to(x.device, x.dtype))
        # The reference sees the cotangent as rounded to the dtype, or the rounding would be blamed.
        exact_weights = weights.to(x.dtype).double()
        expected = self._gradients(self.reference, x.detach().to("cpu", torch.float64), exact_weights)
        if got.keys() != expected.keys():
            odd = sorted(got.keys() ^ expected.keys())
            raise WrongError(f"implementation and reference differ in the parameters {', '.join(odd)}")
        for parameter, due in expected.items():
            scale = float(due.abs().max())
            error = (got[parameter].to("cpu", torch.float64) - due).abs()
            beyond = ~(error <= TOLERANCES[x.dtype].gradient * scale)
            if beyond.any() and not self._edges(x, beyond):
                raise WrongError(
                    f"gradient of {parameter} on {name} is off by {float(error.max()):.2g},"
                    f" its largest entry is {scale:.2g}"
                )

    def _edges(self, x: Tensor, beyond: Tensor) -> bool:
        """Whether gradients differ only where rounding moves a potential across the edge of a slope.

        Such slopes (a box) have ties of their own, which are no ties of the spikes. In float64 there are
        none: a copy of the module must agree there, and few entries may differ here.
        """
        few = float(beyond.double().mean()) <= TOLERANCES[x.dtype].tied
        if x.dtype == torch.float64 or not few:
            return False
        exact = replace(self, module=copy.deepcopy(self.module).double(), causal=None)
        wide = x.double()
        try:
            exact._compare_gradients(wide, exact._compare_spikes(exact.spikes(wide), wide, ""), "")
        except WrongError:
            return False
        return True

    def _gradients(self, module: nn.Module, x: Tensor, cotangent: Tensor) -> dict[str, Tensor]:
        leaf = x.detach().clone().requires_grad_(True)
        named = {"the input": leaf, **{n: p for n, p in module.named_parameters() if p.requires_grad}}
        self.mark()
        torch.manual_seed(self.seed)
        output = spikes_of(module(leaf))
        if not output.requires_grad:
            raise WrongError("its output has no gradient: nothing could be trained through it")
        gradients = torch.autograd.grad(output, list(named.values()), cotangent, allow_unused=True)
        return {
            name: torch.zeros_like(named[name]) if gradient is None else gradient
            for name, gradient in zip(named, gradients, strict=True)
        }

    def _check_causal(self, spikes: Tensor, x: Tensor, tied: Tensor) -> None:
        T = x.shape[0]
        for t in sorted({T // 4, T // 2, T - 2} & set(range(T - 1))):
            changed = x.clone()
            changed[t + 1 :] = 3 * self._noise_like(changed[t + 1 :])
            early = self.spikes(changed)[: t + 1]
            flips = (early != spikes[: t + 1]).cpu() & ~tied[: t + 1]
            if flips.any():  # an FFT lets the future into the rounding
                flips &= ~self._near_ties(x)[: t + 1]
            differs = flips.nonzero()
            if len(differs):
                raise WrongError(
                    f"declared causal, but its spikes at step {int(differs[0][0])} change"
                    f" when only steps after {t} change"
                )

    def _near_ties(self, x: Tensor) -> Tensor:
        """Entries that the reference itself flips under a perturbation of the input; none without one."""
        near = torch.zeros(x.shape, dtype=torch.bool)
        if self.reference is not None:
            exact = x.detach().to("cpu", torch.float64)
            expected = self._expected(exact)
            for perturbed in self._perturbed(exact, TOLERANCES[x.dtype].perturbation):
                near |= _from_first(self._expected(perturbed) != expected)
        return near

    def _noise_like(self, x: Tensor) -> Tensor:
        noise = torch.randn(x.shape, generator=self._generator(), dtype=torch.float64)
        return noise.to(x.device, x.dtype)


def _from_first(flips: Tensor) -> Tensor:
    """True from the first True of each trace on; time is the first dimension."""
    return flips.to(torch.uint8).cummax(0).values.bool()


def _where_spikes_differ(differs: Tensor, spikes: Tensor, expected: Tensor, name: str) -> str:
    first = tuple(int(i) for i in differs.nonzero()[0])
    return (
        f"{int(differs.sum())} of {differs.numel()} spikes on {name} differ from the reference, first at"
        f" {list(first)} ([t, sample, feature]): {float(spikes[first]):g}, not {float(expected[first]):g}"
    )
