"""What the jobs that train on a person's labels start from, read from files."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from nearlabel.files import read_table
from nearlabel.images.duplicates.groups import group_images
from nearlabel.images.duplicates.hashes import read_hashes
from nearlabel.labelling.learner import Learner
from nearlabel.labelling.rounds.situation import Situation, read_situation
from nearlabel.learning.data.arrays import ImageArrays, open_arrays
from nearlabel.learning.network.model import build_classifier


class Opened(NamedTuple):
    """Images, labels and the network that learns from them.

    Attributes
    ----------
    images, answered : DataFrame
        ``images.csv`` and ``labels.csv``, as text.
    situation : Situation
    arrays : ImageArrays
        Stored rows.
    rows : ndarray of int64
        Row of each image of `situation`.
    learner : Learner
        Not trained yet.
    groups : ndarray of int64 or None
        Of every row, near-duplicates have one number; None where there is nothing to learn from.
    """

    images: pd.DataFrame
    answered: pd.DataFrame
    situation: Situation
    arrays: ImageArrays
    rows: np.ndarray
    learner: Learner
    groups: np.ndarray | None


def open_labelling(
    values, images, hashes, labels, rounds, *, training, distance: int | None, seed: int, head_seed: int, **build: Any
) -> Opened:
    """Read what a job that trains on a person's labels starts from.

    Parameters
    ----------
    values : str or Path
        Decoded images or outputs of the frozen stages.
    images, hashes, labels : str or Path
        ``images.csv``, ``hashes.h5``, ``labels.csv``.
    rounds : str or Path
        Folder of the rounds on record.
    training, seed
        As for `nearlabel.labelling.learner.Learner`.
    distance : int or None
        As for `nearlabel.images.duplicates.groups.group_images`.
    head_seed : int
        Of the network's last layer.
    **build
        Of `nearlabel.learning.network.model.build_classifier`.
    """
    table = pd.read_csv(images, dtype=str, keep_default_na=False)
    arrays, answered = open_arrays(values), read_table(labels, ("image_id", "label", "defective", "state"))
    situation = read_situation(table, answered, rounds)
    rows = arrays.rows(situation.images)
    known = np.full(len(arrays.image_id), -1, np.int64)
    known[rows] = [situation.defective.get(image, -1) for image in situation.images]
    learner = Learner(build_classifier(seed=head_seed, **build), arrays.values, known, training, seed=seed)
    groups = None
    if learner.can_learn:
        groups = np.zeros(len(known), np.int64)
        groups[rows] = group_images(table, read_hashes(hashes, situation.images), distance)
    return Opened(table, answered, situation, arrays, rows, learner, groups)
