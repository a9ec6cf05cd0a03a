"""How large a slowdown must be before `psubench compare --git` finds it. The distributions are scipy's."""

from __future__ import annotations

import math

from psubench.regression.timing import ALPHA, FRESH_LOOKS, LOOKS


def smallest_effect(sd: float, margin: float, power: float) -> float:
    """Relative slowdown of a single case that is called `slower` with probability `power`.

    A one-sided t test of log(t_new / t_base) of n pairs of processes, standard deviation s between them,
    against H0 "the change is at most the margin":

        log(1 + effect) = log(1 + margin) + nc s / sqrt(n)

    where n counts the fresh pairs of all looks and nc is the non-centrality at which a t of n - 1 degrees
    of freedom exceeds the quantile of the last look with probability `power`. That the first look clears
    such a case by mistake, or an earlier one convicts it, is rare enough to be left out; so are further
    suspects, which Holm's correction would share the level with.

    Args:
        sd: s, of pairs that ran the same code; sqrt(2) times that of single processes whose noise is not
            shared.
        margin: relative change that counts as none.
    """
    from scipy.special import nctdtrinc, stdtrit

    n = sum(LOOKS[1:])
    critical = float(stdtrit(n - 1, 1 - ALPHA / FRESH_LOOKS))
    noncentrality = float(nctdtrinc(n - 1, 1 - power, critical))
    return math.expm1(math.log1p(margin) + noncentrality * sd / math.sqrt(n))
