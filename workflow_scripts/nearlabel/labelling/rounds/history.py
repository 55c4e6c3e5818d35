"""What a stopping rule sees of a person's labelling."""

from collections.abc import Callable, Sequence

import numpy as np

from nearlabel.labelling.rounds.evidence import weigh_draws
from nearlabel.labelling.rounds.opinions import Opinions
from nearlabel.labelling.rounds.record import CERTIFY, Round, labelled_at
from nearlabel.labelling.rounds.situation import Situation
from nearlabel.labelling.rounds.weights import represent
from nearlabel.labelling.validation import auc_error, measure_auc
from nearlabel.learning.stopping.history import Audit, History, Validation
from nearlabel.learning.stopping.history import Round as Batch


def as_history(situation: Situation, opinions: Callable[[Round], Opinions | None]) -> History:
    """Arrange a person's labels as stopping rules take them, by the labels as they are now.

    A batch is what was labelled between two rounds; with it comes what the network said when the later one was planned,
    if the labels of then are labels still. Answered draws of the certificate are audits.

    Parameters
    ----------
    situation : Situation
        Rounds on record, the present one last.
    opinions : callable
        Round → what the network said when it was planned, images sorted by their ids; None where that is not known.

    Returns
    -------
    History
    """
    defective, images = situation.defective, sorted(situation.images)
    known = set(images)
    looks = [{image for image in one if image in defective and image in known} for one in labelled_at(situation.rounds)]
    looks.append({image for image in defective if image in known})
    draws = {
        draw.round: set(draw.images)
        for draw in weigh_draws(situation.rounds, defective, images)
        if draw.purpose == CERTIFY and draw.audit is not None
    }
    batches, audits, before, drawn = [], [], set(), set()
    for place, labelled in enumerate(looks):
        planned = situation.rounds[place] if place < len(situation.rounds) else None
        new = sorted(labelled - before - drawn)
        if new:
            said = opinions(planned) if planned else None
            # A label that was taken back since: that network has learnt what is not known now.
            whole = planned is not None and not planned.unlabelled and before <= labelled
            batches.append(_batch(new, labelled, images, defective, situation, planned, said if whole else None))
        before |= labelled
        if planned is not None and planned.number in draws:
            certify = draws[planned.number]
            done = before | drawn
            found = sum(defective[image] for image in done)
            audits.append(Audit(len(images) - len(done), found, len(certify), sum(defective[i] for i in certify)))
            drawn |= certify
    return History(len(images), tuple(batches), tuple(audits))


def _batch(
    new: Sequence[str], labelled: set[str], images, defective, situation, planned, said: Opinions | None
) -> Batch:
    labels = np.array([defective[image] for image in new])
    if said is None or len(said.probability) != len(images) or np.isnan(said.probability).any():
        return Batch(labels)
    seen = np.array([image in labelled for image in images])
    earlier = [one for one in situation.rounds if one.number < planned.number]
    known = {image: defective[image] for image in images if image in labelled}
    described = represent(list(known), known, earlier, images)
    validation = None
    if described.drawn.any():
        judged = said.judged_without[seen].astype(np.float64)
        auc = measure_auc(judged, np.array(list(known.values()), np.int64), described.weights)
        validation = auc and Validation(auc.auc, auc_error(auc), auc.good + auc.defects, "uniform")
    return Batch(labels, said.probability, seen, validation)
