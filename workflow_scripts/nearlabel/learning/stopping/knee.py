"""The knee of a falling curve: where labelling more finds few defects more."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

INTERPOLATIONS = ("interp1d", "polynomial")
# A curve that stays this close to its chord, as a share of its height, is straight: the rest is rounding.
STRAIGHT = 1e-9


def knee_point(
    labelled: Sequence | np.ndarray,
    left: Sequence | np.ndarray,
    *,
    sensitivity: float = 1.0,
    interpolation: str = "interp1d",
    degree: int = 7,
    online: bool = False,
) -> float | int | None:
    """Find the knee of "defective images left" against "images labelled".

    Kneedle (Satopää et al. 2011), with the results of ``kneed.KneeLocator(curve="convex", direction="decreasing")``:
    both axes are brought to 0 … 1, and the knee is a point where the curve lies farthest below its chord, provided that
    it comes back by more than `sensitivity` mean steps. A nearly straight curve, as random sampling gives, may have a
    knee anywhere, or none. The first point is never one, as nothing bends there: kneed takes it for the knee of a curve
    that begins by falling more slowly than its chord, where defects are found slowly at first; here the next one
    counts.

    Parameters
    ----------
    labelled : array_like, shape (n,)
        Images labelled, rising.
    left : array_like, shape (n,)
        Defective images left in the pool.
    sensitivity : float
        Kneedle's S, at least 0; larger asks for a clearer knee.
    interpolation : {"interp1d", "polynomial"}
        ``interp1d`` takes the curve as it is, ``polynomial`` the least-squares polynomial through it.
    degree : int
        Of the polynomial, at least 1.
    online : bool
        False: the first knee. True: the last one, as when points come in one after another.

    Returns
    -------
    int, float or None
        One of `labelled`. None: there is no knee; the curve is constant, straight, or shorter than 3 points (for
        ``polynomial``: than degree + 1).

    Raises
    ------
    ValueError
        Lengths differ, values are not finite, `labelled` does not rise, or an option has no such value.
    """
    x, y = np.asarray(labelled), np.asarray(left)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(
            f"labelled and left have shapes {x.shape} and {y.shape}; give one count of each for each round"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("labelled or left has a value that is not finite; a knee needs a number for each round")
    if not (np.diff(x) > 0).all():
        raise ValueError("labelled does not rise from round to round; sort the rounds and give each once")
    if not (np.isfinite(sensitivity) and sensitivity >= 0):
        raise ValueError(f"sensitivity is {sensitivity}; give a number of at least 0")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation {interpolation!r} is unknown; choose one of {', '.join(INTERPOLATIONS)}")
    if degree < 1:
        raise ValueError(f"degree is {degree}; a polynomial of degree 1 or more can be fitted")
    if len(x) < max(3, degree + 1 if interpolation == "polynomial" else 0) or _is_straight(x, y):
        return None
    smooth = y.astype(float) if interpolation == "interp1d" else np.polyval(np.polyfit(x, y, degree), x)
    later = [knee for knee in _find_knees(x.astype(float), smooth, sensitivity) if knee]
    return x[later[-1 if online else 0]].item() if later else None


def _find_knees(x: np.ndarray, y: np.ndarray, sensitivity: float) -> list[int]:
    """Positions of all knees, rising: peaks of the distance to the chord that it then falls from by far enough."""
    low, height = y.min(), np.ptp(y)
    if not height:
        return []
    x = (x - x[0]) / (x[-1] - x[0])
    distances = ((1 - (y - low) / height) - x).tolist()
    fall = float(sensitivity * np.diff(x).mean())
    knees, peak, threshold = [], None, 0.0
    before = distances[0]
    for i, (here, after) in enumerate(pairwise(distances)):
        # A plateau is both; a peak counts until the next valley.
        if before >= here <= after:
            peak = None
        elif before <= here >= after:
            peak, threshold = i, here - fall
        if peak is not None and after < threshold:
            knees.append(peak)
            peak = None
        before = here
    return knees


def _is_straight(x: np.ndarray, y: np.ndarray) -> bool:
    height = np.ptp(y)
    if not height:
        return True
    chord = y[0] + (y[-1] - y[0]) * ((x - x[0]) / (x[-1] - x[0]))
    return bool(np.abs(y - chord).max() <= STRAIGHT * height)
