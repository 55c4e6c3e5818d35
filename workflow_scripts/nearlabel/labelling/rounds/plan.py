"""What a round asks for: audits, the strategy's images, the certificate's draw; on record before anybody sees it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nearlabel.labelling.rounds.evidence import is_quiet, judge_certificate
from nearlabel.labelling.rounds.record import (
    AUDIT,
    CERTIFY,
    START,
    STRATEGY,
    Round,
    fingerprint_ids,
    labelled_at,
    open_draws,
)
from nearlabel.labelling.rounds.situation import Situation
from nearlabel.seeds import derive_seed

Choose = Callable[[Sequence[str], int, Sequence[str], int], Sequence[str]]
"""Images to choose from, how many, those that are taken anyhow, a seed → the images that the strategy chooses."""


def plan_round(
    situation: Situation, settings: Mapping[str, Any], choose: Choose, *, chosen_by: str, seed: int
) -> Round:
    """Plan the next round.

    The same labels and settings give the same round; where the last round on record was planned for them, that is it.

    - Images that were drawn at random and have no label yet are owed: no further ones are drawn before.
    - While the certificate's draw is not answered, nothing else is asked for; once the recall is certified, or could
      not be missed any more, nothing at all.
    - When the strategy is quiet, and defects were found, the certificate's next draw begins.
    - Otherwise ``audit`` images are drawn uniformly from all that are left, and the strategy chooses among the others.

    Parameters
    ----------
    situation : Situation
    settings : mapping
        ``batch_size, audit``; ``certify``: ``recall, alpha, quiet``; whatever else the choice depends on.
    choose : callable
        See `Choose`.
    chosen_by : str
        Name of the strategy that chooses; ``start:`` before it where there is nothing to learn from.
    seed : int

    Returns
    -------
    Round
        Its number is one above the last on record, or that of the last itself.
    """
    rounds, population = situation.rounds, situation.population
    key = _key(situation, settings, chosen_by)
    if rounds and rounds[-1].key == key:
        return rounds[-1]
    before = labelled_at(rounds)[-1] if rounds else set()
    now = set(situation.defective)
    owed = open_draws(rounds, situation.defective, population)
    certificate = judge_certificate(rounds, situation.defective, situation.images)
    picks, stage, target = {}, 0, {}
    wanted = settings["certify"]
    size = certificate.next_size(len(situation.left), sum(situation.defective.values()), wanted)
    if certificate.certified(wanted) or certificate.open or size == 0:
        pass
    elif size and not owed and is_quiet(rounds, situation.defective, wanted["quiet"]):
        picks = {CERTIFY: _draw(situation.left, size, derive_seed(seed, f"certify/{key}"))}
        stage = certificate.stages + 1
        target = {name: wanted[name] for name in ("recall", "alpha")}
    else:
        audit = [] if owed else _draw(situation.left, settings["audit"], derive_seed(seed, f"audit/{key}"))
        taken = [*owed, *audit]
        others = [image for image in situation.left if image not in situation.set_aside and image not in set(taken)]
        count = max(1, settings["batch_size"] - len(taken))
        purpose = START if chosen_by.startswith("start:") else STRATEGY
        chosen = list(choose(others, count, taken, derive_seed(seed, f"query/{key}"))) if others else []
        picks = {name: images for name, images in ((AUDIT, audit), (purpose, chosen)) if images}
    return Round(
        len(rounds) + 1, key, population, sorted(now - before), sorted(before - now), picks, chosen_by, stage, target
    )


def _key(situation: Situation, settings: Mapping[str, Any], chosen_by: str) -> str:
    labels = sorted(situation.defective.items())
    return fingerprint_ids(labels, sorted(situation.set_aside), [situation.population, chosen_by], settings.items())


def _draw(images: Sequence[str], n: int, seed: int) -> list[str]:
    """Draw uniformly, without putting back; not by the order of the list."""
    pool = sorted(images)
    return [pool[place] for place in np.random.default_rng(seed).permutation(len(pool))[:n]]
