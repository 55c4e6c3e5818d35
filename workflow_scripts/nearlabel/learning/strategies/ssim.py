"""Structural similarity of many small maps to one reference."""

import numpy as np

# Values held at a time: 8 MiB an array, about ten arrays.
CHUNK = 1 << 20
# Constants of Wang et al. 2004.
K1, K2 = 0.01, 0.03


def ssim_to_reference(
    maps: np.ndarray, reference: np.ndarray, *, win_size: int = 7, data_range: float = 1.0
) -> np.ndarray:
    """Mean structural similarity (SSIM) of each map to the reference.

    Wang et al. 2004 as ``skimage.metrics.structural_similarity`` computes it by default: a uniform window, sample
    covariances, the mean over all positions at which the window fits. In float64, many maps at once; a map equal to the
    reference gives exactly 1. A map of zeros gives about 0 against a reference of another mean: it counts as far from
    everything that varies.

    Parameters
    ----------
    maps : array_like, shape (n, h, w)
        Also a torch tensor.
    reference : array_like, shape (h, w)
        For example the mean map of the labelled images.
    win_size : int
        Side of the window; odd, at least 3, at most `h` and `w`.
    data_range : float
        Largest minus smallest possible value; 1 for maps scaled to 0 … 1.

    Returns
    -------
    ndarray of float64, shape (n,)
        In [-1, 1].

    Raises
    ------
    ValueError
        Maps smaller than the window or of another shape than the reference; values that are not finite; a window that
        is not odd; a data range that is not above 0.
    """
    maps, reference = _as_array(maps), _as_array(reference).astype(np.float64)
    if maps.ndim != 3 or maps.shape[1:] != reference.shape:
        raise ValueError(f"maps of shape {maps.shape} and reference of shape {reference.shape} do not match")
    if win_size < 3 or win_size % 2 == 0:
        raise ValueError(f"SSIM window of {win_size}; give an odd number, 3 or more")
    height, width = reference.shape
    if min(height, width) < win_size:
        raise ValueError(
            f"maps of {height} × {width} are smaller than the SSIM window of {win_size} × {win_size}; give larger maps "
            "or a smaller window"
        )
    if not 0 < data_range < np.inf:
        raise ValueError(f"data_range is {data_range}; give the difference of the largest and smallest possible value")
    step = max(1, CHUNK // reference.size)
    found = np.empty(len(maps))
    of_reference = _window_means(reference[np.newaxis], win_size)
    squares_of_reference = _window_means((reference * reference)[np.newaxis], win_size)
    if not np.isfinite(squares_of_reference).all():
        raise ValueError("the reference map has values that are not finite")
    unbiased = win_size**2 / (win_size**2 - 1)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    variance_of_reference = unbiased * (squares_of_reference - of_reference * of_reference)
    for start in range(0, len(maps), step):
        some = maps[start : start + step].astype(np.float64)
        if not np.isfinite(some).all():
            raise ValueError(f"maps {start} to {start + len(some) - 1} have values that are not finite")
        means = _window_means(some, win_size)
        variance = unbiased * (_window_means(some * some, win_size) - means * means)
        covariance = unbiased * (_window_means(some * reference, win_size) - means * of_reference)
        similarity = (2 * means * of_reference + c1) * (2 * covariance + c2)
        similarity /= (means * means + of_reference * of_reference + c1) * (variance + variance_of_reference + c2)
        found[start : start + step] = similarity.mean(axis=(1, 2))
    return found


def _as_array(values: np.ndarray) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _window_means(maps: np.ndarray, win_size: int) -> np.ndarray:
    """Means of every window that lies within its map: (n, h, w) → (n, h − win_size + 1, w − win_size + 1)."""
    from scipy.ndimage import uniform_filter

    inner = slice(win_size // 2, -(win_size // 2))
    return uniform_filter(maps, win_size, axes=(1, 2))[:, inner, inner]
