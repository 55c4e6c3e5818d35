"""The experiment of one fold: who tests, who validates, what the pool is, and the first batch."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nearlabel.files import how_to_remake
from nearlabel.learning.data.arrays import ImageArrays
from nearlabel.learning.data.folds import fold_roles
from nearlabel.seeds import derive_seed


@dataclass(frozen=True)
class Experiment:
    """One fold's images.

    Attributes
    ----------
    image_id : ndarray of object (str), shape (n,)
        Of every row of the stored arrays.
    labels : ndarray of int64, shape (n,)
        1 positive, 0 another near-label, -1 none.
    pool, validation, test : ndarray of int64
        Rows.
    """

    image_id: np.ndarray
    labels: np.ndarray
    pool: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def plan_experiment(
    arrays: ImageArrays, folds: pd.DataFrame, near_labels: pd.DataFrame, *, positive: str, test_fold: int
) -> Experiment:
    """Find the rows of each part of a fold's experiment.

    Parameters
    ----------
    arrays : ImageArrays
        Decoded images or outputs of frozen stages.
    folds : DataFrame
        ``folds.csv``.
    near_labels : DataFrame
        ``near_labels.csv``: image_id, near_label.
    positive : str
        The near-label that counts as defective.
    test_fold : int
        The fold that tests.

    Returns
    -------
    Experiment

    Raises
    ------
    ValueError
        Files are of different images; a part has one class only.
    """
    roles = fold_roles(folds, test_fold)
    rows = arrays.rows(roles.index)
    near_label = near_labels.set_index("image_id")["near_label"].reindex(roles.index)
    if near_label.isna().any():
        remake = how_to_remake("split_folds")
        raise ValueError(f"folds.csv and near_labels.csv are of different images; {remake}")
    labels = np.full(len(arrays.image_id), -1, dtype=np.int64)
    labels[rows] = (near_label == str(positive)).to_numpy()
    parts = {role: np.sort(rows[(roles == role).to_numpy()]) for role in ("pool", "validation", "test")}
    for role, some in parts.items():
        if len(np.unique(labels[some])) < 2:
            raise ValueError(
                f"fold {test_fold}: the {role} images hold one class only; take fewer folds or label more images"
            )
    return Experiment(arrays.image_id, labels, **parts)


def draw_first_batch(experiment: Experiment, size: int, seed: int) -> np.ndarray:
    """Draw the images that are labelled before any model: at random, with both classes among them.

    Where the draw holds one class only, its last image is exchanged for a random one of the other class.

    Parameters
    ----------
    experiment : Experiment
    size : int
        At least 2.
    seed : int
        Of the fold, the same for every strategy.

    Returns
    -------
    ndarray of int64, shape (min(size, pool size),)
        Rows of the pool, in the order drawn.
    """
    rng = np.random.default_rng(derive_seed(seed, "first_batch"))
    order = rng.permutation(experiment.pool)
    batch = order[:size]
    classes = experiment.labels[batch]
    if len(np.unique(classes)) < 2:
        others = order[size:][experiment.labels[order[size:]] != classes[0]]
        batch[-1] = others[0]
    return batch
