"""How many images of the data set each labelled one stands for."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nearlabel.labelling.rounds.evidence import weigh_draws
from nearlabel.labelling.rounds.record import Round, labelled_at


class Represented(NamedTuple):
    """What labelled images stand for.

    Attributes
    ----------
    weights : ndarray of float64, shape (n,)
        Images of the data set that each one stands for; 0: it says nothing that is not said already.
    drawn : ndarray of bool, shape (n,)
        Those that were drawn at random. Without any, every label counts as itself alone: images that a strategy chose
        are not like the others.
    """

    weights: np.ndarray
    drawn: np.ndarray


def represent(
    image_ids: Sequence[str], defective: Mapping[str, int], rounds: Sequence[Round], images: Sequence[str]
) -> Represented:
    """Weigh labelled images so that together they stand for the data set.

    At every complete draw, images that had a label then stand for themselves, and those of the draw for all that were
    left: the estimator of Horvitz and Thompson, unbiased whatever the strategy did before. Estimators of several draws
    are averaged by what each is worth, size / left²: the inverse of their variances, but for a factor.

    Parameters
    ----------
    image_ids : sequence of str
        Labelled images.
    defective : mapping of str to int
        Image with a label → 1 defective, 0 good.
    rounds : sequence of Round
        On record.
    images : sequence of str
        All images.

    Returns
    -------
    Represented
    """
    complete = [draw for draw in weigh_draws(rounds, defective, images) if draw.audit is not None]
    if not complete:
        return Represented(np.ones(len(image_ids)), np.zeros(len(image_ids), bool))
    looks = dict(zip((one.number for one in rounds), labelled_at(rounds), strict=True))
    worth = np.array([draw.audit.size / draw.audit.left**2 for draw in complete])
    weights, picked = np.zeros(len(image_ids)), np.zeros(len(image_ids), bool)
    for draw, share in zip(complete, worth / worth.sum(), strict=True):
        drawn = np.isin(image_ids, draw.images)
        before = np.array([image in looks[draw.round] for image in image_ids], bool)
        weights += share * (before + draw.audit.left / draw.audit.size * drawn)
        picked |= drawn
    return Represented(weights, picked)
