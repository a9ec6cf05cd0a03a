"""The gate: no number without proven equality.

An implementation is compared with its slow float64 reference on the very input that will be measured and
on a seeded noise input, of 65,536 entries for one layer, so that a small case is not a weak test. It runs in
the mode in which it will be timed: under `inference_mode`, or with gradients in training. Rounding may
flip a spike whose membrane potential lies within rounding of the threshold (a tie), and a flip changes
what follows in the same trace. A difference is excused only if the reference itself flips there, or
earlier in that trace, when its input is perturbed by that dtype's tolerance. Where more traces hang on
ties than that can tell, a float64 copy of the implementation decides.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from psubench import plugins
from psubench.errors import WrongError
from psubench.neurons.calling import grad_mode, random_state, set_seed
from psubench.neurons.checks import NO_REFERENCE, check_input
from psubench.neurons.outputs import spikes_of
from psubench.neurons.tolerances import TOLERANCES, where_spikes_differ

PROBE_ENTRIES = 65_536  # of the noise that one layer, or all spiking layers of a network, are checked with
PERTURBATIONS = 3


@dataclass(frozen=True)
class Gate:
    """Checks one module against its reference.

    Attributes:
        module: the very object that is going to be measured.
        reference: float64 reference on the CPU with the same weights, or None.
        causal: whether the neuron claims that its output does not depend on later input.
        gradients: whether gradients are compared too (phase `train`).
        seed: of the probe input, the cotangent and the perturbations; also set before every call, so
            that a stochastic neuron and its reference draw the same numbers.
        mark: called before each call of the module or its reference: a sign of life.
        entries: of the noise input, at least.
        inference: whether it runs in inference mode where no gradients are compared; else under `no_grad`.
    """

    module: nn.Module
    reference: nn.Module | None
    causal: bool | None
    gradients: bool
    seed: int
    mark: Callable[[], None]
    entries: int = PROBE_ENTRIES
    inference: bool = True

    def check(self, *inputs: Tensor) -> str | None:
        """Why the spikes are not verified; None if they are.

        Args:
            inputs: currents [T, B, *features] as they will be measured, without gradient.

        Raises:
            WrongError: the module disagrees with its reference or with itself, or writes to its input.
        """
        for x in inputs:
            check_input(x)
        doubts = [self._check_on(x, "its input") for x in inputs]
        self._check_follows(inputs[0])
        doubts.append(self._check_on(self._probe(inputs[0]), "noise"))
        return next(filter(None, doubts), None)

    def _check_on(self, x: Tensor, name: str) -> str | None:
        spikes = self.spikes(x)
        self._check_shape(spikes, x)
        if not torch.equal(spikes, self.spikes(x)):
            raise WrongError(f"a second call on {name} gives other spikes: state is kept between calls")
        tied, doubt = torch.zeros(x.shape, dtype=torch.bool), None
        if self.reference is not None:
            tied, hanging = self._compare_spikes(spikes, x, name)
            if hanging > TOLERANCES[x.dtype].tied:
                doubt = self._in_float64(x, name, hanging)
            elif self.gradients:
                self._compare_gradients(x, tied, name)
        else:
            doubt = NO_REFERENCE
            if self.gradients:
                self._gradients(self.module, x, torch.ones_like(x))  # it must have one, right or not
        if self.causal:
            self._check_causal(spikes, x, tied)
        return doubt

    def _in_float64(self, x: Tensor, name: str, hanging: float) -> str | None:
        """The doubt that is left when a float64 copy of the module decides what rounding hides."""
        what = f"{hanging:.1%} of the traces on {name} hang on ties"
        if x.dtype == torch.float64:
            return f"{what}, too many to tell"
        # Here a disagreement proves nothing: its constants may be those of its own dtype.
        try:
            exact = replace(self, module=copy.deepcopy(self.module).to(torch.float64), causal=None)
            doubt = exact._check_on(x.double(), name)
        except WrongError as error:
            return f"{what}, and in float64 {error}"
        except Exception as error:  # a plug-in may raise anything; it has to run in its own dtype only
            return f"{what}, and it does not run in float64 ({plugins.one_line(error)})"
        return doubt and f"{what}, in float64 too"

    def _probe(self, x: Tensor) -> Tensor:
        """N(1, 1) noise shaped like x but for the batch, which is as large as `entries` needs."""
        batch = -(-self.entries * x.shape[1] // x.numel())
        shape = (x.shape[0], batch, *x.shape[2:])
        noise = torch.randn(shape, generator=self._generator(), dtype=torch.float64)
        return (noise + 1).to(x.device, x.dtype)

    def _generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed)

    def mode(self) -> AbstractContextManager[object]:
        """The mode in which the module is timed."""
        return grad_mode(train=self.gradients, inference=self.inference)

    def spikes(self, x: Tensor) -> Tensor:
        """The module's output on x with the seed set, so that equal calls give equal spikes.

        Raises:
            WrongError: it writes to x, which is put right.
        """
        spikes: Tensor = spikes_of(self.output(x))
        return spikes.detach() if isinstance(spikes, Tensor) else spikes

    def output(self, x: Tensor) -> object:
        """All that the module gives; see `spikes`."""
        with self.mode():
            before = x.clone()
            self.mark()
            set_seed(self.seed)
            output: object = self.module(x.detach().requires_grad_(True) if self.gradients else x)
            self._check_unchanged(x, before)
        return output

    def draws(self, x: Tensor) -> bool:
        """Whether a call on x takes numbers from torch's generators."""
        set_seed(self.seed)
        before = random_state(x.device)
        with self.mode():
            self.mark()
            self.module(x)
        return not torch.equal(before, random_state(x.device))

    def _check_follows(self, x: Tensor) -> None:
        """The output follows the content of a tensor, whichever tensor it is."""
        own, other = x.clone(), x.flip(0)
        self.spikes(own)
        with self.mode(), torch.no_grad():
            own.copy_(other)
        if not torch.equal(self.spikes(own), self.spikes(other)):
            raise WrongError("it caches outputs: on a new input it returns those of the old one")

    def _check_unchanged(self, x: Tensor, before: Tensor) -> None:
        if not torch.equal(x, before):
            with torch.no_grad():
                x.copy_(before)
            raise WrongError("it writes to its input")

    def _check_shape(self, spikes: Tensor, x: Tensor) -> None:
        if not isinstance(spikes, Tensor):
            raise WrongError(f"returns {type(spikes).__name__} where a tensor {list(x.shape)} is due")
        for what, got, due in (
            ("shape", tuple(spikes.shape), tuple(x.shape)),
            ("dtype", spikes.dtype, x.dtype),
            ("device", spikes.device.type, x.device.type),
        ):
            if got != due:
                raise WrongError(f"returns {what} {got} for input of {what} {due}")
        if not torch.isfinite(spikes).all():
            raise WrongError("returns NaN or infinity for finite input")

    def _compare_spikes(self, spikes: Tensor, x: Tensor, name: str) -> tuple[Tensor, float]:
        """Entries [T, B, *] that a tie has changed, and the fraction of traces that are changed so."""
        exact = x.detach().to("cpu", torch.float64)
        expected = self._expected(exact)
        differs = (spikes.to("cpu", torch.float64) - expected).abs() > 1e-3
        tied = torch.zeros_like(differs)
        if not differs.any():
            return tied, 0.0
        for perturbed in self._perturbed(exact, TOLERANCES[x.dtype].perturbation):
            tied |= _from_first(self._expected(perturbed) != expected)
        if (differs & ~tied).any():
            raise WrongError(where_spikes_differ(differs & ~tied, spikes, expected, name))
        return _from_first(differs), float(differs.any(0).double().mean())

    def _expected(self, exact: Tensor) -> Tensor:
        assert self.reference is not None
        self.mark()
        set_seed(self.seed)
        with torch.no_grad():
            expected: Tensor = spikes_of(self.reference(exact.clone()))  # which it may write to
        return expected

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

        Such slopes (a box) have ties of their own, which are not ties of the spikes. In float64 there are
        none: a copy of the module must agree there, and few entries may differ here.
        """
        few = float(beyond.double().mean()) <= TOLERANCES[x.dtype].tied
        if x.dtype == torch.float64 or not few:
            return False
        exact = replace(self, module=copy.deepcopy(self.module).double(), causal=None)
        wide = x.double()
        try:
            exact._compare_gradients(wide, exact._compare_spikes(exact.spikes(wide), wide, "")[0], "")
        except WrongError:
            return False
        return True

    def _gradients(self, module: nn.Module, x: Tensor, cotangent: Tensor) -> dict[str, Tensor]:
        leaf = x.detach().clone().requires_grad_(True)
        named = {"the input": leaf, **{n: p for n, p in module.named_parameters() if p.requires_grad}}
        self.mark()
        set_seed(self.seed)
        before = leaf.detach().clone()
        output = spikes_of(module(leaf))
        self._check_unchanged(leaf.detach(), before)
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
        return torch.randn(x.shape, generator=self._generator(), dtype=torch.float64).to(x.device, x.dtype)


def _from_first(flips: Tensor) -> Tensor:
    """True from the first True of each trace on; time is the first dimension."""
    return flips.to(torch.uint8).cummax(0).values.bool()
