"""The t-SNE map of images, by openTSNE."""

import logging

import numpy as np

from nearlabel.bars import Progress
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)

LARGEST_PERPLEXITY = 30
FEWEST = 10
"""Different images below which there is no t-SNE map."""

# Rounds with early exaggeration and without, and after how many it is said how far it has come.
_EARLY, _LATER, _SPOKEN = 250, 500, 25


def perplexity_for(n: int) -> float:
    """Perplexity of the map of n images: 30, or a third of the other images where they are fewer than 90."""
    return min(LARGEST_PERPLEXITY, (n - 1) / 3)


def neighbors_for(n: int) -> int:
    """How many neighbours of each of n images t-SNE needs: three times the perplexity, as openTSNE takes."""
    return min(n - 1, 3 * LARGEST_PERPLEXITY)


def embed_tsne(plane: np.ndarray, neighbors: np.ndarray, distances: np.ndarray, *, seed: int) -> np.ndarray | None:
    """Lay images out in the plane by t-SNE.

    openTSNE (Poličar, Stražar, Zupan, Journal of Statistical Software 2024): 250 rounds of early exaggeration 12 and
    500 more, learning rate n divided by the exaggeration, forces by Barnes and Hut's tree below 10,000 images and by
    interpolation (Linderman et al., Nature Methods 2019) from there; on one thread. It begins with the plane of the
    principal components, as Kobak and Berens (Nature Communications 2019) advise, and a hundredth of noise, which
    parts images with the same features.

    Parameters
    ----------
    plane : ndarray, shape (n, 2)
        The first two principal components.
    neighbors, distances : ndarray, shape (n, `neighbors_for` (n))
        From `nearlabel.grouping.maps.neighbors.nearest_images`.
    seed : int
        Of the noise.

    Returns
    -------
    ndarray of float32, shape (n, 2), or None
        None where fewer than 10 images differ, for nothing can be said of their distances; the log says so. The same
        numbers for the same arguments on the same machine.
    """
    # One copy of an image among others is nearest to it at distance 0; those of one point differ in nothing.
    different = len(np.unique(plane, axis=0))
    if different < FEWEST:
        logger.info("%d of %d images differ: too few for t-SNE", different, len(plane))
        return None
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.initialization import jitter, rescale
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    # It says at length that it takes what it is given.
    logging.getLogger("openTSNE").setLevel(logging.WARNING)
    index = PrecomputedNeighbors(neighbors.astype(np.int64), distances)
    affinities = PerplexityBasedNN(perplexity=perplexity_for(len(plane)), knn_index=index, n_jobs=1)
    begin = rescale(np.ascontiguousarray(plane, dtype=np.float64))
    begin = jitter(begin, random_state=derive_seed(seed, "jitter"))
    # By itself it takes Barnes and Hut's tree below 10,000 points.
    tsne = TSNE(
        early_exaggeration_iter=_EARLY,
        n_iter=_LATER,
        n_jobs=1,
        random_state=derive_seed(seed, "tsne"),
        callbacks=lambda *_: progress.update(_SPOKEN),
        callbacks_every_iters=_SPOKEN,
    )
    with Progress(_EARLY + _LATER, "rounds") as progress:
        return np.asarray(tsne.fit(affinities=affinities, initialization=begin), dtype=np.float32)
