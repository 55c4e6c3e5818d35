"""Blocks of numbers of clusters: what one job tries."""

from itertools import groupby


def split_ks(first: int, last: int, per_job: int) -> list[str]:
    """Name the blocks of k = first … last.

    Blocks end at multiples of `per_job`, so that a wider range leaves those in its middle as they are.

    Parameters
    ----------
    first, last : int
        Numbers of clusters.
    per_job : int
        At most so many in a block.

    Returns
    -------
    list of str
        ``k{lo}-{hi}`` with three digits each, as the label files are called.
    """
    blocks = [list(block) for _, block in groupby(range(first, last + 1), lambda k: (k - 1) // per_job)]
    return [f"k{block[0]:03d}-{block[-1]:03d}" for block in blocks]


def read_block(name: str) -> list[int]:
    """First and last number of clusters of a block, by its name."""
    return [int(k) for k in name.removeprefix("k").split("-")]
