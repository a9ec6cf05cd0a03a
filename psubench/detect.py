"""How large a slowdown must be before `psubench compare` finds it here. The distributions are scipy's."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """What a comparison is asked for.

    Attributes:
        margin: a change up to this share is none.
        processes: fresh processes per revision.
        cases: how many are gated; Holm's correction shares `alpha` among them.
        alpha: probability that any case is called slower though none is.
        power: probability that a case which is slower by the smallest effect is called so.
    """

    margin: float
    processes: int
    cases: int
    alpha: float = 0.05
    power: float = 0.9

    def smallest_effect(self, sd: float) -> float | None:
        """Relative slowdown that is found with probability `power`; None where one process tells nothing.

        A one-sided two-sample t test of the processes' medians of log(t_reference / t_neuron), n per
        revision with standard deviation s between them, against H0 "the change is at most the margin":

            log(1 + effect) = log(1 + margin) + nc s sqrt(2 / n)

        where nc is the non-centrality at which a t of 2 n - 2 degrees of freedom exceeds its
        (1 - alpha / cases) quantile with probability `power`: Holm's correction at its hardest step.

        Args:
            sd: s, of the logarithm, from processes that ran the same code.
        """
        if self.processes < 2:
            return None
        from scipy.special import nctdtrinc, stdtrit

        degrees = 2 * self.processes - 2
        critical = stdtrit(degrees, 1 - self.alpha / self.cases)
        noncentrality = float(nctdtrinc(degrees, 1 - self.power, critical))
        shift = noncentrality * sd * math.sqrt(2 / self.processes)
        return math.expm1(math.log1p(self.margin) + shift)
