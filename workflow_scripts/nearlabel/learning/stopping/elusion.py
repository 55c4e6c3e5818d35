"""How many defects may have eluded the labelling: exact bounds from one uniform audit.

The acceptance sampling of finite lots; in document review the rate is called elusion. It needs no defect found before,
so it is the one verdict where recall has none.
"""

from fractions import Fraction
from typing import NamedTuple

from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.tails import exact_share, is_improbable, least_sample


class Elusion(NamedTuple):
    """Upper bounds, of confidence 1 - alpha, from one audit.

    Attributes
    ----------
    drawn_from : int
        Most defects among all images that were left when the audit was drawn, its own ones counted.
    rate : float
        These as a share of those images.
    left : int
        Most defects among the images that are left after the audit.
    """

    drawn_from: int
    rate: float
    left: int


def elusion_bound(audit: Audit, alpha: float = 0.05) -> Elusion:
    """Bound the defects left by a uniform audit, clean or not.

    The largest d with ``hypergeom.cdf(k; M, d, n) > alpha``, for k defects among n of M images (the exact one-sided
    test turned round). It holds for one audit that was not chosen among several.

    Parameters
    ----------
    audit : Audit
    alpha : float
        In (0, 1).

    Returns
    -------
    Elusion
    """
    level = exact_share(alpha, "alpha")
    # The audit's own good images are no defects.
    low, high = audit.defects, audit.left - audit.size + audit.defects + 1
    while high - low > 1:
        middle = (low + high) // 2
        if is_improbable(audit.defects, audit.left, middle, audit.size, level):
            high = middle
        else:
            low = middle
    return Elusion(low, low / audit.left, low - audit.defects)


def audits_for_rate(left: int, rate: float, alpha: float = 0.05) -> int:
    """Fewest images that a clean uniform audit needs to show a defect rate of at most `rate`.

    Parameters
    ----------
    left : int
        Images left, at least 1.
    rate : float
        Highest rate allowed among them, 0 to 1.
    alpha : float
        In (0, 1).

    Returns
    -------
    int
        0 where `rate` allows every image to be defective.

    Raises
    ------
    ValueError
        No image is left, or the rate is not in its range.
    """
    if left < 1:
        raise ValueError(f"{left} images are left; there is nothing to audit")
    if not 0 <= rate <= 1:
        raise ValueError(f"the defect rate is {rate}; give a number from 0 to 1")
    # The rate as the decimal that it is written as: 0.07 of 100 are 7.
    allowed = int(Fraction(str(rate)) * left)
    return least_sample(left, allowed + 1, exact_share(alpha, "alpha"))
