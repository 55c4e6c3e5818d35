"""Points that are exactly the same."""

from hashlib import blake2b

import numpy as np


def first_copies(points: np.ndarray) -> np.ndarray:
    """For each point the number of the first point that is exactly the same.

    Parameters
    ----------
    points : ndarray, shape (n, d)
        Numbers.

    Returns
    -------
    ndarray of int, shape (n,)
        Row i holds i where no earlier point is the same; all 0 where there is one point only, repeated.
    """
    seen: dict[bytes, int] = {}
    # Adding 0 makes -0 the 0 that it equals.
    digests = (blake2b((point + 0.0).tobytes(), digest_size=16).digest() for point in points)
    return np.array([seen.setdefault(digest, row) for row, digest in enumerate(digests)], dtype=int)
