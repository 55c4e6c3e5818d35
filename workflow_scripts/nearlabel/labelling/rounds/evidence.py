"""What images drawn at random prove: audits of the rounds, the certificate's stages, when the strategy is quiet."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from nearlabel.labelling.rounds.record import AUDIT, CERTIFY, STRATEGY, Round, fingerprint_ids, labelled_at
from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.rules.certify import Certify, audit_size, is_certified


class Draw(NamedTuple):
    """Images drawn uniformly from those that had no label.

    Attributes
    ----------
    round : int
    purpose : str
        ``audit`` or ``certify``.
    images : list of str
    answered : int
        How many have a label now.
    audit : Audit or None
        What it says; None while it is not complete: an image of it has no label, or one that had a label then has lost
        it.
    stage : int
        Of the certificate; 0 of an audit.
    target : dict
        ``recall`` and ``alpha`` of that stage.
    """

    round: int
    purpose: str
    images: list[str]
    answered: int
    audit: Audit | None
    stage: int
    target: dict[str, float]


def weigh_draws(rounds: Sequence[Round], defective: Mapping[str, int], images: Sequence[str]) -> list[Draw]:
    """Say what each draw from the present images gave, by the labels as they are now.

    Parameters
    ----------
    rounds : sequence of Round
    defective : mapping of str to int
        Image with a label → 1 defective, 0 good.
    images : sequence of str
        All images. Draws from others than these, made before images came or went, are left out.

    Returns
    -------
    list of Draw
    """
    population, found = fingerprint_ids(sorted(images)), []
    for one, labelled in zip(rounds, labelled_at(rounds), strict=True):
        if one.population != population:
            continue
        for purpose in (AUDIT, CERTIFY):
            drawn = one.images(purpose)
            if not drawn:
                continue
            answered = sum(image in defective for image in drawn)
            audit = None
            if answered == len(drawn) and all(image in defective for image in labelled):
                known = sum(defective[image] for image in labelled)
                audit = Audit(len(images) - len(labelled), known, len(drawn), sum(defective[image] for image in drawn))
            stage = one.stage if purpose == CERTIFY else 0
            found.append(Draw(one.number, purpose, drawn, answered, audit, stage, one.target))
    return found


class Certificate(NamedTuple):
    """How far the certificate has come.

    Attributes
    ----------
    stages : int
        Draws that were made for it, of whatever images there were then: each takes its share of alpha.
    draws : list of Draw
        Those from the present images.
    """

    stages: int
    draws: list[Draw]

    @property
    def open(self) -> bool:
        """Whether its last draw is not answered wholly."""
        return bool(self.draws) and self.draws[-1].audit is None

    def certified(self, wanted: Mapping[str, Any]) -> Draw | None:
        """The draw that certifies at least the recall that is wanted, with at most that alpha."""
        for draw in self.draws:
            if draw.audit is None or draw.target["recall"] < wanted["recall"] or draw.target["alpha"] > wanted["alpha"]:
                continue
            if is_certified(draw.audit, draw.target["recall"], Certify(alpha=draw.target["alpha"]).level(draw.stage)):
                return draw
        return None

    def next_size(self, left: int, found: int, wanted: Mapping[str, Any]) -> int | None:
        """Images of a draw made now, its target written down before.

        Returns
        -------
        int or None
            None: no defect is found, or the last draw is not answered. 0: nothing need be drawn, for even if all that
            is left were defective, the recall is reached.
        """
        if self.open:
            return None
        level = Certify(alpha=wanted["alpha"]).level(self.stages + 1)
        return audit_size(left, found, wanted["recall"], level, wanted["spare"])


def judge_certificate(rounds: Sequence[Round], defective: Mapping[str, int], images: Sequence[str]) -> Certificate:
    """Say how far the certificate has come; arguments as of `weigh_draws`."""
    draws = [draw for draw in weigh_draws(rounds, defective, images) if draw.purpose == CERTIFY]
    return Certificate(sum(one.stage > 0 for one in rounds), draws)


def is_quiet(rounds: Sequence[Round], defective: Mapping[str, int], batches: int) -> bool:
    """Whether the last batches that a trained strategy chose hold no defect, nor the audits among them.

    Parameters
    ----------
    rounds : sequence of Round
    defective : mapping of str to int
        Image with a label → 1 defective, 0 good.
    batches : int
        How many whole batches; images without an answer do not count, so that batches that were answered in part make
        up a whole one together. A draw of the certificate ends them: after it the strategy learns anew.
    """
    whole, quiet, counted = 0.0, True, set()
    for one in reversed(rounds):
        if one.stage:
            break
        chosen = one.images(STRATEGY)
        if not chosen:
            if one.picks:
                break
            continue
        labelled = [image for image in one.images(STRATEGY, AUDIT) if image in defective]
        quiet = quiet and not any(defective[image] for image in labelled)
        # What was not answered may have been chosen again: it counts once.
        new = [image for image in chosen if image in defective and image not in counted]
        counted.update(new)
        whole += len(new) / len(chosen)
        if whole >= batches:
            return quiet
    return False
