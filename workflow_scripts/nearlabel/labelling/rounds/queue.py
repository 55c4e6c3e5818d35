"""The images that a person is asked for, in the order of the page."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nearlabel.labelling.rounds.record import AGAIN, AUDIT, CERTIFY, START, STRATEGY, Round, open_draws
from nearlabel.labelling.rounds.situation import Situation
from nearlabel.seeds import derive_seed

QUEUE_COLUMNS = ["image_id", "rank", "purpose"]


def make_queue(situation: Situation, planned: Round, disputed: Sequence[str], *, seed: int) -> pd.DataFrame:
    """Put together what is asked for: what was drawn and is not answered, the strategy's choice, disputes.

    Images that were drawn lie at random places among the others, so that nobody can tell them: the choice keeps its
    order, best first. Disputed images come last.

    Parameters
    ----------
    situation : Situation
    planned : Round
        The round, on record.
    disputed : sequence of str
        Images of which annotators do not agree whether they are defective.
    seed : int

    Returns
    -------
    DataFrame
        ``queue.csv``: image_id; rank, from 0; purpose: ``audit``, ``certify``, ``strategy``, ``start``, ``again``.
    """
    rounds = [one for one in situation.rounds if one.number < planned.number] + [planned]
    owed = open_draws(rounds, situation.defective, situation.population)
    certify = {image for one in rounds for image in one.images(CERTIFY)}
    drawn = [(image, CERTIFY if image in certify else AUDIT) for image in owed]
    chosen = [
        (image, purpose)
        for purpose in (STRATEGY, START)
        for image in planned.images(purpose)
        if image not in situation.defective and image not in set(owed)
    ]
    rng = np.random.default_rng(derive_seed(seed, f"queue/{planned.key}"))
    total = len(drawn) + len(chosen)
    places = set(rng.permutation(total)[: len(drawn)].tolist())
    shuffled = iter([drawn[place] for place in rng.permutation(len(drawn))])
    ordered = iter(chosen)
    rows = [next(shuffled) if place in places else next(ordered) for place in range(total)]
    asked = {image for image, _ in rows}
    rows += [(image, AGAIN) for image in disputed if image not in asked]
    table = pd.DataFrame([(image, rank, purpose) for rank, (image, purpose) in enumerate(rows)], columns=QUEUE_COLUMNS)
    return table.astype({"rank": np.int64})
