"""The maps of a node and each image's nearest others: made, written, read."""

import json
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearlabel.files import written_whole
from nearlabel.grouping.maps.embedding import embed_tsne, neighbors_for, perplexity_for
from nearlabel.grouping.maps.neighbors import check_features, nearest_images
from nearlabel.grouping.maps.plane import principal_plane
from nearlabel.grouping.reduction.reduced import Reduced
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5
from nearlabel.seeds import derive_seed
from nearlabel.sources import sources_of

logger = logging.getLogger(__name__)

KEPT_NEIGHBORS = 30
"""Neighbours of each image that are kept; t-SNE looks at more."""
TRUSTED_IMAGES = 2000
"""Images at most that the trustworthiness of a map is measured on."""


class NodeMap(NamedTuple):
    """Where the images of a node lie, and what lies near them.

    Attributes
    ----------
    image_id : ndarray of object (str), shape (n,)
        The rows.
    encoder : str
        Id of the chosen encoder, whose reduced features are shown.
    pca : ndarray of float32, shape (n, 2)
        The first two principal components.
    tsne : ndarray of float32, shape (n, 2), or None
        The t-SNE map; None where fewer than 10 images differ.
    neighbors : ndarray of int32, shape (n, up to 30)
        Positions of the nearest other images, nearest first.
    distances : ndarray of float32, of that shape
        Their Euclidean distances in reduced features.
    trustworthiness : dict of str to float
        Of ``pca`` and ``tsne``, from 0 to 1; without those for which there are too few images.
    trusted_images : int
        How many images that was measured on.
    perplexity : float
        Of t-SNE; NaN without it.
    library_versions : dict of str to str
        Versions that made it.
    """

    image_id: np.ndarray
    encoder: str
    pca: np.ndarray
    tsne: np.ndarray | None
    neighbors: np.ndarray
    distances: np.ndarray
    trustworthiness: dict[str, float]
    trusted_images: int
    perplexity: float
    library_versions: dict[str, str]


def map_images(reduced: Reduced, *, seed: int) -> NodeMap:
    """Lay the images of a node out in the plane, by PCA and by t-SNE, and find the nearest others of each.

    Neighbours are exact, and t-SNE starts from the same. Time grows with n², memory with n.

    Parameters
    ----------
    reduced : Reduced
        The chosen encoder's reduced features.
    seed : int
        Of t-SNE, and of the images that trustworthiness is measured on.

    Returns
    -------
    NodeMap

    Raises
    ------
    ValueError
        Features that are not finite.
    """
    points = check_features(reduced.reduction.values)
    n = len(points)
    if n == 1:
        plane = np.zeros((1, 2))
    else:
        plane, _ = principal_plane(points, reduced.reduction.method, reduced.reduction.explained_variance_ratio)
    neighbors, distances = nearest_images(points, max(KEPT_NEIGHBORS, neighbors_for(n)))
    logger.info("nearest images of %d found", n)
    wanted = neighbors_for(n)
    tsne = embed_tsne(plane, neighbors[:, :wanted], distances[:, :wanted], seed=derive_seed(seed, "tsne"))
    maps = {"pca": plane} | ({} if tsne is None else {"tsne": tsne})
    chosen = _draw(n, derive_seed(seed, "trustworthiness"))
    trust = {name: _trust(points[chosen], places[chosen]) for name, places in maps.items()} if n > 2 else {}
    for name, value in trust.items():
        logger.info("trustworthiness of the map by %s: %.3f on %d of %d images", name, value, len(chosen), n)
    return NodeMap(
        reduced.image_id,
        reduced.encoder,
        plane.astype(np.float32),
        tsne,
        neighbors[:, :KEPT_NEIGHBORS],
        distances[:, :KEPT_NEIGHBORS].astype(np.float32),
        trust,
        len(chosen),
        float("nan") if tsne is None else perplexity_for(n),
        sources_of("nearlabel.grouping.maps.embedding", "nearlabel.grouping.maps.neighbors").libraries,
    )


def write_map(path: str | Path, found: NodeMap) -> None:
    """Write ``map.h5``: image_id, pca, tsne (where there is one), neighbors, distances; the rest as attributes.

    Parameters
    ----------
    path : str or Path
        The file.
    found : NodeMap
        From `map_images`.
    """
    whole = {"compression": "gzip", "compression_opts": 1, "fletcher32": True}
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.create_dataset("image_id", data=list(found.image_id), dtype=TEXT)
        for name in ("pca", "tsne", "neighbors", "distances"):
            values = getattr(found, name)
            if values is not None:
                file.create_dataset(name, data=values, **(whole if values.size else {}))
        file.attrs["encoder"] = found.encoder
        for name, value in found.trustworthiness.items():
            file.attrs[f"trustworthiness_{name}"] = value
        file.attrs["trustworthiness_images"] = found.trusted_images
        if found.tsne is not None:
            file.attrs["perplexity"] = found.perplexity
        file.attrs["library_versions"] = json.dumps(found.library_versions, sort_keys=True)


def read_map(path: str | Path) -> NodeMap:
    """Read what `write_map` wrote.

    Parameters
    ----------
    path : str or Path
        ``map.h5``.

    Returns
    -------
    NodeMap

    Raises
    ------
    FileNotFoundError, ValueError
        No file, or a damaged one.
    """
    with opened_hdf5(path) as file:
        names = [name for name in ("pca", "tsne") if f"trustworthiness_{name}" in file.attrs]
        return NodeMap(
            file["image_id"].asstr()[:],
            file.attrs["encoder"],
            file["pca"][:],
            file["tsne"][:] if "tsne" in file else None,
            file["neighbors"][:],
            file["distances"][:],
            {name: float(file.attrs[f"trustworthiness_{name}"]) for name in names},
            int(file.attrs["trustworthiness_images"]),
            float(file.attrs.get("perplexity", np.nan)),
            json.loads(file.attrs["library_versions"]),
        )


def _draw(n: int, seed: int) -> np.ndarray:
    if n <= TRUSTED_IMAGES:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, TRUSTED_IMAGES, replace=False))


def _trust(points: np.ndarray, plane: np.ndarray) -> float:
    """Trustworthiness among at least three images, five neighbours of each where there are as many."""
    from sklearn.manifold import trustworthiness

    return float(trustworthiness(points, plane, n_neighbors=min(5, (len(points) - 1) // 2)))
