"""How large a slowdown must be for `psubench compare --git` to detect it. The distributions are scipy's."""

from __future__ import annotations

import math

from psubench.compare.looks import FRESH_LOOKS, LOOKS, NOMINAL
from psubench.stats.changes import cut, freedom


def smallest_effect(sd: float, margin: float, power: float) -> float:
    """Relative slowdown of a single case that is called `slower` with probability `power`.

    A one-sided trimmed t test of log(t_new / t_base) of n pairs of processes, standard deviation s between
    them, against H0 "the change is at most the margin":

        log(1 + effect) = log(1 + margin) + nc k s / sqrt(n)

    where k is what trimming costs of normal noise, n counts the fresh pairs of all looks and nc is the
    non-centrality at which a t of the degrees of freedom that trimming leaves exceeds the quantile of the
    last look with probability `power`. That the first look clears such a case by mistake, or an earlier one
    calls it slower, is rare enough to be left out; so are further suspects, which Holm's correction would
    share the level with, and pairs that were disturbed or that the budget did not reach.

    Args:
        sd: s, of pairs that ran the same code; sqrt(2) times that of single processes whose noise is not
            shared.
        margin: relative change that is ignored.
    """
    from scipy.special import nctdtrinc, stdtrit

    n = sum(LOOKS[1:])
    critical = float(stdtrit(freedom(n), 1 - NOMINAL / FRESH_LOOKS))
    noncentrality = float(nctdtrinc(freedom(n), 1 - power, critical))
    return math.expm1(math.log1p(margin) + noncentrality * cost(n) * sd / math.sqrt(n))


def cost(n: int) -> float:
    """Standard error of the trimmed mean of n normal numbers over that of their mean, for large n."""
    from scipy.special import ndtri

    share = cut(n) / n
    if not share:
        return 1.0
    end = float(ndtri(1 - share))
    inner = 1 - 2 * share - 2 * end * math.exp(-end * end / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(inner + 2 * share * end * end) / (1 - 2 * share)
