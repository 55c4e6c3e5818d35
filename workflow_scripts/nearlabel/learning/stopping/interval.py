"""How many defects there are in all: an interval that holds at every round at once, whatever the strategy did.

The total number of defects D is the one unknown. Before round s there are U images left and F defects found, and n of
the images are then drawn uniformly, with k defects: hypergeometric with D - F defects among U. The set of all D whose
likelihood L(D) exceeds alpha times the mean likelihood under a prior covers the truth at all rounds with probability
1 - alpha (Ville's inequality; Waudby-Smith and Ramdas 2020, "Confidence sequences for sampling without replacement").
The picks of different rounds are never pooled: each came from its own, ever poorer, pool.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.tails import log_factorials


class DefectsInterval(NamedTuple):
    """Defects in all, found and left.

    Attributes
    ----------
    low, high : int
        Ends of the interval, both within it. Recall is at least found / high.
    median : int
        Posterior median under the prior 1 / (1 + D), of the counts that are possible.
    likeliest : int
        Of the highest likelihood among them, the smallest such count.
    """

    low: int
    high: int
    median: int
    likeliest: int


def defects_interval(
    draws: Sequence[Audit], population: int, found: int, labelled: int, alpha: float = 0.05
) -> DefectsInterval:
    """Interval for the total number of defects from the uniform picks of every round so far.

    Parameters
    ----------
    draws : sequence of Audit
        Uniform picks in order, each with what was left and found before it; a certificate's audits count too. Without
        any, only what is certain remains: found ≤ D ≤ found + left.
    population : int
        Images in all.
    found, labelled : int
        Defects found and images labelled by now, those of the draws too.
    alpha : float
        Chance, in (0, 1), that the interval is wrong at any round.

    Returns
    -------
    DefectsInterval
        Where the picks speak against everything that is certain (a case of the alpha), what is certain.

    Raises
    ------
    ValueError
        Counts that contradict each other, or alpha outside its range.
    """
    _check(draws, population, found, labelled, alpha)
    totals = np.arange(population + 1)
    table = log_factorials(population)
    likelihood = np.zeros(population + 1)
    for draw in draws:
        _add_draw(likelihood, draw, table)
    prior = -np.log1p(totals)
    prior -= logsumexp(prior)
    inside = likelihood > np.log(alpha) + logsumexp(prior + likelihood)
    certain = np.arange(found, found + population - labelled + 1)
    kept = certain[inside[certain]]
    low, high = (kept[0], kept[-1]) if kept.size else (certain[0], certain[-1])
    posterior = np.exp(likelihood[certain] + prior[certain] - (likelihood[certain] + prior[certain]).max())
    mass = np.cumsum(posterior)
    median = certain[np.searchsorted(mass, mass[-1] / 2)]
    return DefectsInterval(int(low), int(high), int(median), int(certain[np.argmax(likelihood[certain])]))


def _add_draw(likelihood: np.ndarray, draw: Audit, table: np.ndarray) -> None:
    """Add the draw's log probability under each total: hypergeometric with d = D - found defects among those left."""
    left, k, n, good = draw.left, draw.defects, draw.size, draw.left - draw.size
    # d runs from k to k + good, so that left - d runs from left - k down to n - k, and d - k from 0 to good.
    first, last = draw.found + k, draw.found + k + good
    likelihood[:first] = likelihood[last + 1 :] = -np.inf
    ways = table[k : k + good + 1] + table[n - k : left - k + 1][::-1] - table[: good + 1] - table[: good + 1][::-1]
    likelihood[first : last + 1] += ways + (table[n] - table[k] - table[n - k] + table[good] - table[left])


def _check(draws: Sequence[Audit], population: int, found: int, labelled: int, alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; give a number between 0 and 1")
    if not 0 <= found <= labelled <= population:
        raise ValueError(f"{found} defects among {labelled} images labelled of {population} is impossible; check them")
    if not draws:
        return
    for draw in draws:
        if draw.left + draw.found > population:
            raise ValueError(
                f"a draw from {draw.left} images left with {draw.found} defects found is impossible in a population of "
                f"{population}; check them"
            )
    for before, after in pairwise(draws):
        if not _can_follow(before, population - after.left, after.found, population):
            raise ValueError(
                f"a draw from {after.left} images left with {after.found} defects found cannot follow one of "
                f"{before.size} from {before.left} with {before.found}; give the draws in order"
            )
    if not _can_follow(draws[-1], labelled, found, population):
        raise ValueError(
            f"{labelled} images labelled with {found} defects found cannot follow the last draw; count its images too"
        )


def _can_follow(draw: Audit, labelled: int, found: int, population: int) -> bool:
    """Whether these counts can stand after a draw: no fewer images and defects, and no more defects than images."""
    images, defects = labelled - (population - draw.left + draw.size), found - (draw.found + draw.defects)
    return 0 <= defects <= images
