"""The hypergeometric distribution: exact comparisons of its lower tail, and tails of many urns at once."""

from fractions import Fraction
from functools import lru_cache
from math import comb

import numpy as np
from scipy.special import gammaln

# Share of a sum below which its terms, ever smaller, no longer count.
NEGLIGIBLE = 1e-18
# Beyond so many terms times their digits, the exact sum is made only where rounding could decide otherwise.
LONG = 100_000
ROUNDING = 1e-5


def exact_share(value: float | str | Fraction, name: str) -> Fraction:
    """Read a recall or a probability as the decimal that it is written as: 0.95 is 19/20, not its binary neighbour.

    Parameters
    ----------
    value : float, str or Fraction
        Above 0 and at most 1.
    name : str
        What it is, for messages.

    Returns
    -------
    Fraction

    Raises
    ------
    ValueError
        It is no number, or out of this range.
    """
    try:
        share = value if isinstance(value, Fraction) else Fraction(str(value))
    except ValueError:
        share = Fraction(0)
    if not 0 < share <= 1:
        raise ValueError(f"{name} is {value}; give a number above 0 and at most 1")
    return share


def is_improbable(found: int, images: int, defects: int, size: int, alpha: Fraction) -> bool:
    """Whether a uniform sample holds at most so many defects with a probability of at most alpha, in exact integers.

    ``hypergeom.cdf(found, images, defects, size) <= alpha`` without rounding.

    Parameters
    ----------
    found : int
        Defects in the sample, at least 0.
    images, defects : int
        Of the urn. An urn with more defects than images does not exist: the probability is 0.
    size : int
        Images drawn without replacement, at most `images`.
    alpha : Fraction

    Returns
    -------
    bool
    """
    if defects > images:
        return True
    # Sample and defects change places without changing the distribution; the smaller one has fewer terms.
    drawn, marked = sorted((defects, size))
    first = max(0, drawn + marked - images)
    if found < first:
        return True
    if found >= drawn:
        return alpha >= 1
    if found * drawn > LONG:
        tail = lower_tails(*(np.array([value]) for value in (found, images, defects, size)))[0]
        if abs(tail - float(alpha)) > ROUNDING * float(alpha):
            return bool(tail < float(alpha))
    others = images - marked
    term = comb(marked, first) * comb(others, drawn - first)
    total = term
    for i in range(first, found):
        term = term * (marked - i) * (drawn - i) // ((i + 1) * (others - drawn + i + 1))
        total += term
    return total * alpha.denominator <= alpha.numerator * comb(images, drawn)


def least_sample(images: int, defects: int, alpha: Fraction, found: int = 0) -> int:
    """Fewest images that a uniform sample needs to hold at most some defects with a probability of at most alpha.

    Parameters
    ----------
    images, defects : int
        Of the urn. With more defects than images there is no such urn, and the answer is 0.
    alpha : Fraction
        In (0, 1).
    found : int
        At most so many, below `defects`; 0: the sample is clean.

    Returns
    -------
    int
        At most `images`.
    """
    if defects > images:
        return 0
    low, high = 0, images  # low is too few, high enough: a sample of all images holds every defect
    while high - low > 1:
        middle = (low + high) // 2
        if is_improbable(found, images, defects, middle, alpha):
            high = middle
        else:
            low = middle
    return high


@lru_cache(maxsize=8)
def log_factorials(largest: int) -> np.ndarray:
    """Natural logarithms of 0!, 1!, …, largest!.

    Returns
    -------
    ndarray of float64, shape (largest + 1,)
        Shared; not to be written to.
    """
    table = gammaln(np.arange(1, largest + 2, dtype=np.float64))
    table.flags.writeable = False
    return table


def lower_tails(found: np.ndarray, images: np.ndarray, defects: np.ndarray, size: np.ndarray) -> np.ndarray:
    """``hypergeom.cdf(found, images, defects, size)`` of many urns at once.

    The term at `found`, and those below it by their ratios until they no longer count.

    Parameters
    ----------
    found, images, defects, size : ndarray of int64, shape (n,)
        As in `is_improbable`.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 for an urn with more defects than images.
    """
    first = np.maximum(0, defects + size - images)
    k = np.minimum(found, np.minimum(defects, size))
    possible = (defects <= images) & (k >= first)
    k, m, d, n = (values[possible].astype(np.float64) for values in (k, images, defects, size))
    if not k.size:
        return np.zeros(found.shape)
    term = np.exp(_log_term(k, m, d, n))
    total = term.copy()
    # Nothing but rounding is left below a term that is 0; above the mode, all of the distribution.
    whole = (term == 0) & (k * (m + 2) > (d + 1) * (n + 1))
    rest = m - d - n
    while (term > NEGLIGIBLE * total).any():
        term *= k * (rest + k) / ((d - k + 1) * (n - k + 1))
        total += term
        k -= 1
    tails = np.zeros(found.shape)
    tails[possible] = np.where(whole, 1.0, np.minimum(total, 1.0))
    return tails


def _log_term(k: np.ndarray, m: np.ndarray, d: np.ndarray, n: np.ndarray) -> np.ndarray:
    table = log_factorials(int(m.max()))
    logs = [table[values.astype(np.int64)] for values in (d, m - d, n, m - n, m, k, d - k, n - k, m - d - n + k)]
    return logs[0] + logs[1] + logs[2] + logs[3] - sum(logs[4:])
