"""A large data set in parts, each a job's: by what the images hold, so that one more image leaves the others' alone."""

from collections.abc import Sequence

import numpy as np


def choose_part(keys: Sequence[str], part: int, parts: int) -> np.ndarray:
    """Say which images a part has.

    Parameters
    ----------
    keys : sequence of str
        By content, as `nearlabel.images.scales.content_keys` gives them; they begin with a SHA-256, hexadecimal.
    part, parts : int
        Number of the part, from 0, and how many there are.

    Returns
    -------
    ndarray of bool, shape (len(keys),)
        Images of one content are in one part.
    """
    return np.array([int(key[:12], 16) % parts == part for key in keys], dtype=bool)
