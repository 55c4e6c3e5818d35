"""Where labelling stands, as numbers: what is found, what is left, what may be claimed, what it costs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.labelling.answers.consensus import DISPUTED, LABELLED, measure_agreement
from nearlabel.labelling.catalogue import SKIP, UNSURE
from nearlabel.labelling.rounds.evidence import Certificate, Draw, judge_certificate, weigh_draws
from nearlabel.labelling.rounds.record import AUDIT, CERTIFY, START, STRATEGY, labelled_at
from nearlabel.labelling.rounds.situation import Situation
from nearlabel.labelling.rounds.weights import represent
from nearlabel.labelling.status.advice import advise
from nearlabel.labelling.validation import measure_auc
from nearlabel.learning.stopping.elusion import audits_for_rate, elusion_bound
from nearlabel.learning.stopping.history import Audit
from nearlabel.learning.stopping.interval import defects_interval
from nearlabel.learning.stopping.rules.certify import Certify

ALPHA = 0.05
"""Of the interval of the defects left; it holds at every look."""

RATE = 0.01
"""Share of defects among the rest of which it is said what it takes to show that there are no more."""


def summarise(
    situation: Situation,
    queue: pd.DataFrame,
    labels: pd.DataFrame,
    answers: pd.DataFrame,
    problems: pd.DataFrame,
    predictions: pd.DataFrame,
    certify: Mapping[str, Any],
) -> dict[str, Any]:
    """Say where labelling stands.

    Parameters
    ----------
    situation : Situation
        With all rounds on record, the present one last.
    queue, labels, answers, problems, predictions : DataFrame
        ``queue.csv``, ``labels.csv``, ``answers.csv``, ``problems.csv``, ``predictions.csv``.
    certify : mapping
        ``recall, alpha, quiet, spare``.

    Returns
    -------
    dict
        ``status.json``; numbers that are not known are None.
    """
    present, defective, images = situation.rounds[-1], situation.defective, situation.images
    draws = weigh_draws(situation.rounds, defective, images)
    certificate = judge_certificate(situation.rounds, defective, images)
    found, left = sum(defective.values()), len(images) - len(defective)
    states = labels["state"].value_counts()
    estimate = estimate_left(draws, len(images), found, len(defective))
    status = {
        "round": present.number,
        "chosen_by": present.chosen_by,
        "images": len(images),
        "labelled": len(defective),
        "left": left,
        "defects": found,
        "labels": {str(k): int(n) for k, n in labels[labels["state"] == LABELLED]["label"].value_counts().items()},
        "unsure": int(states.get(UNSURE, 0)),
        "skipped": int(states.get(SKIP, 0)),
        "disputed": int(states.get(DISPUTED, 0)),
        "queue": len(queue),
        "defects_left": estimate,
        "elusion": _elusion(draws, left, found, estimate),
        "clean_audit": {"rate": RATE, "images": audits_for_rate(left, RATE, ALPHA)} if left else None,
        "certificate": describe_certificate(certificate, left, found, certify),
        "validation": validate(situation, predictions),
        "agreement": measure_agreement(answers),
        "time": _measure_time(answers),
        "problems": len(problems),
        "rounds": _history(situation),
    }
    return status | {"advice": advise(status)}


def estimate_left(draws: Sequence[Draw], population: int, found: int, labelled: int) -> dict[str, Any] | None:
    """Defects that are still to be found, with an interval that holds at every look, whatever the strategy did.

    Returns
    -------
    dict or None
        estimate, low, high; recall_at_least; alpha; audited (images drawn that it rests on). None without a draw.
    """
    audits = _in_order(draws)
    if not audits:
        return None
    interval = defects_interval(audits, population, found, labelled, ALPHA)
    return {
        "estimate": interval.median - found,
        "low": interval.low - found,
        "high": interval.high - found,
        "recall_at_least": found / interval.high if interval.high else None,
        "alpha": ALPHA,
        "audited": sum(audit.size for audit in audits),
    }


def _in_order(draws: Sequence[Draw]) -> list[Audit]:
    """Audits of complete draws, without those that labels taken back have made to overlap with the one before."""
    audits: list[Audit] = []
    for audit in (draw.audit for draw in draws if draw.audit is not None):
        last = audits[-1] if audits else None
        if not last or (audit.left <= last.left - last.size and audit.found >= last.found + last.defects):
            audits.append(audit)
    return audits


def _elusion(draws: Sequence[Draw], left: int, found: int, estimate: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Highest share of defects among the images left, at 95 %."""
    if not left or estimate is None:
        return None
    last = [draw for draw in draws if draw.audit is not None][-1]
    if last.purpose == CERTIFY:
        # Of what was left after it some may have been found since. Its stage's share of alpha, as of the certificate.
        since = found - last.audit.found - last.audit.defects
        still = max(0, elusion_bound(last.audit, Certify(alpha=ALPHA).level(last.stage)).left - since)
        return {"rate_at_most": min(1.0, still / left), "at_most": min(left, still), "from": CERTIFY}
    high = estimate["high"]
    return {"rate_at_most": high / left, "at_most": high, "from": AUDIT}


def describe_certificate(certificate: Certificate, left: int, found: int, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Say how far the certificate is, and what it would cost now.

    Returns
    -------
    dict
        recall, alpha; state (``waiting``, ``drawn``, ``missed``: its last draw held too many defects, ``certified``,
        ``certain``: so few images are left that the recall is reached whatever they are);
        would_take: images of a draw made now (None: no defect is found, or nothing is left); stage, size, answered,
        defects of the last draw (None where it is not complete).
    """
    last, certified = (certificate.draws[-1] if certificate.draws else None), certificate.certified(wanted)
    state = "waiting" if last is None else "missed"
    size = certificate.next_size(left, found, wanted)
    if certified or size == 0:
        state, size = "certified" if certified else "certain", None
    elif certificate.open:
        state = "drawn"
    shown = certified or last
    return {
        "recall": wanted["recall"],
        "alpha": wanted["alpha"],
        "state": state,
        "would_take": size,
        "stage": shown.stage if shown else None,
        "size": len(shown.images) if shown else None,
        "answered": shown.answered if shown else None,
        "defects": shown.audit.defects if shown and shown.audit else None,
    }


def validate(situation: Situation, predictions: pd.DataFrame) -> dict[str, Any] | None:
    """AUC of networks that have not learnt from an image, estimated for the whole data set.

    Returns
    -------
    dict or None
        auc, low, high, good, defects, drawn; None before a draw is complete and both classes are judged.
    """
    known = predictions[predictions["image_id"].isin(situation.defective)]
    labels = known["image_id"].map(situation.defective).to_numpy(np.int64)
    described = represent(list(known["image_id"]), situation.defective, situation.rounds, situation.images)
    if not described.drawn.any():
        return None
    found = measure_auc(known["judged_without"].to_numpy(np.float64), labels, described.weights)
    return None if found is None else found._asdict() | {"drawn": int(described.drawn.sum())}


def _measure_time(answers: pd.DataFrame) -> dict[str, Any]:
    """Seconds an answer takes, by those that say it."""
    seconds = answers["seconds"].dropna()
    return {
        "median_seconds": float(seconds.median()) if len(seconds) else None,
        "total_seconds": float(seconds.sum()) if len(seconds) else None,
        "answers": len(answers),
    }


def _history(situation: Situation) -> list[dict[str, Any]]:
    """A row for each round: where things stood when it was planned, by the labels as they are now."""
    rows, defective = [], situation.defective
    for one, labelled in zip(situation.rounds, labelled_at(situation.rounds), strict=True):
        before = [earlier for earlier in situation.rounds if earlier.number < one.number]
        known = {image: defective[image] for image in labelled if image in defective}
        draws = weigh_draws(before, known, situation.images)
        left = estimate_left(draws, len(situation.images), sum(known.values()), len(known))
        rows.append(
            {
                "round": one.number,
                "chosen_by": one.chosen_by,
                "labelled": len(known),
                "defects": sum(known.values()),
                "left_low": left and left["low"],
                "left": left and left["estimate"],
                "left_high": left and left["high"],
                **{purpose: len(one.images(purpose)) for purpose in (STRATEGY, START, AUDIT, CERTIFY)},
            }
        )
    return rows
