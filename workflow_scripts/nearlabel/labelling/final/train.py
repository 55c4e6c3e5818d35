"""The network that labelling ends with, from files to files."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.files import write_csv, write_json
from nearlabel.images.scales import learnt_scale
from nearlabel.labelling.answers.consensus import LABELLED
from nearlabel.labelling.curve import Curve, draw_curve, weighted_scores
from nearlabel.labelling.final.doubts import list_doubts
from nearlabel.labelling.final.saved import save_model
from nearlabel.labelling.final.threshold import choose_threshold
from nearlabel.labelling.opening import open_labelling
from nearlabel.labelling.rounds.situation import Situation
from nearlabel.labelling.rounds.weights import represent
from nearlabel.labelling.validation import measure_auc

logger = logging.getLogger(__name__)

PREDICTION_COLUMNS = ["image_id", "label", "defective", "probability", "called_defective", "judged_without", "weight"]


def train_final(
    values,
    images,
    hashes,
    labels,
    rounds,
    *,
    output: Mapping[str, Any],
    settings: Mapping[str, Any],
    training: Mapping[str, Any],
    network: Mapping[str, Any],
    fine_tune: str,
    weights_seed: int | None,
    seed: int,
    head_seed: int,
    **build: Any,
) -> None:
    """Train on all labels, choose the threshold, and write the network and what is known of it.

    Parameters
    ----------
    values, images, hashes, labels, rounds
        As for `nearlabel.labelling.choose.choose_batch`.
    output : mapping of str to path
        ``model`` (see `nearlabel.labelling.final.saved`), ``report`` (JSON), ``predictions`` (a row for every image),
        ``doubtful`` (see `nearlabel.labelling.final.doubts`).
    settings : mapping
        ``folds, distance``; ``threshold``: aim and value; ``labels, good``.
    training, network, fine_tune, seed, head_seed, **build
        As for `nearlabel.labelling.choose.choose_batch`.

    Raises
    ------
    ValueError
        No defect, or no good image, is labelled; too few to judge the network.
    """
    opened = open_labelling(
        values, images, hashes, labels, rounds,
        training=training, distance=settings["distance"], seed=seed, head_seed=head_seed,
        network=network, fine_tune=fine_tune, weights_seed=weights_seed, **build,
    )  # fmt: skip
    situation, answered, rows, learner = opened.situation, opened.answered, opened.rows, opened.learner
    known, groups = learner.labels, opened.groups
    if not learner.can_learn:
        raise ValueError(
            f"{len(learner.labelled)} images are labelled, of which {int((known == 1).sum())} are defective: a network "
            "needs images of both kinds; label the next batch before finish"
        )
    without = learner.cross_validate(groups, settings["folds"])
    if np.isnan(without[learner.labelled]).all():
        raise ValueError(
            "fewer than 3 defective, or 3 good, images that are no near-duplicates of each other are labelled: the "
            "network cannot be judged on any that it has not learnt from; label the next batch before finish"
        )
    learner.train()
    names = dict(zip(answered["image_id"], answered["label"], strict=True))
    own = opened.arrays.image_id[learner.labelled]
    described = represent(list(own), situation.defective, situation.rounds, situation.images)
    weights = np.zeros(len(known))
    weights[learner.labelled] = described.weights
    judged, drawn = learner.labelled[described.weights > 0], int(described.drawn.sum())
    if len(np.unique(known[judged])) < 2:
        # The draw and what came before it hold one class alone: all labels are asked instead.
        weights[learner.labelled], judged, drawn = 1.0, learner.labelled, 0
    curve = draw_curve(without[judged], known[judged], weights[judged])
    chosen = choose_threshold(curve, **settings["threshold"])
    label_of = np.array([names.get(image, "") for image in own], dtype=object)
    doubts = list_doubts(
        own,
        label_of,
        known[learner.labelled],
        without[learner.labelled],
        learner.evaluator.evaluate(learner.labelled).features,
        groups[learner.labelled],
    )
    predictions = pd.DataFrame({"image_id": situation.images})
    predictions["label"] = [names.get(image, "") for image in situation.images]
    predictions["defective"] = [situation.defective.get(image) for image in situation.images]
    predictions["probability"] = learner.probabilities(rows)
    predictions["called_defective"] = (predictions["probability"] >= chosen["threshold"]).astype(int)
    predictions["judged_without"] = without[rows]
    predictions["weight"] = weights[rows]
    report = _report(situation, answered, predictions, curve, chosen, settings)
    report |= {"drawn": drawn, "doubtful": len(doubts)}
    report["sentence"] = _sentence(report)
    write_csv(output["predictions"], predictions[PREDICTION_COLUMNS].astype({"defective": "Int64"}))
    write_csv(output["doubtful"], doubts)
    write_json(output["report"], report)
    facts = {
        "network": dict(network),
        "fine_tune": fine_tune,
        "weights_seed": weights_seed,
        "labels": settings["labels"],
        "good": settings["good"],
        "scale": learnt_scale(opened.images),
        "images": report["labelled"],
        "defects": report["defects"],
        **settings["threshold"],
        "threshold": chosen["threshold"],
    }
    save_model(output["model"], learner.classifier, facts)
    logger.info("threshold %.4f: %s", chosen["threshold"], report["sentence"])


def _report(
    situation: Situation,
    answered: pd.DataFrame,
    predictions: pd.DataFrame,
    curve: Curve,
    chosen: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """What ``report.json`` says; counts are of images that the judged ones stand for."""
    judged = predictions[predictions["weight"] > 0]
    called = judged["judged_without"] >= chosen["threshold"]
    truth, weight = judged["defective"].astype(int) == 1, judged["weight"]
    label_of = answered.loc[answered["state"] == LABELLED].set_index("image_id")["label"]
    given = judged["image_id"].map(label_of)
    by_label = {
        name: {
            "judged": int((given == name).sum()),
            "images": float(weight[given == name].sum()),
            "called_defective": float(weight[called & (given == name)].sum()),
        }
        for name in settings["labels"]
        if (given == name).any()
    }
    auc, ap = weighted_scores(curve)
    interval = measure_auc(judged["judged_without"].to_numpy(float), truth.to_numpy(int), weight.to_numpy(float))
    return {
        **settings["threshold"],
        **chosen,
        "labelled": len(situation.defective),
        "defects": sum(situation.defective.values()),
        "images": len(situation.images),
        "judged": len(judged),
        "auc": auc,
        "auc_interval": [interval.low, interval.high],
        "average_precision": ap,
        "confusion": {
            f"{kind}_called_{name}": float(
                weight[(truth == (kind == "defective")) & (called == (name == "defective"))].sum()
            )
            for kind in ("defective", "good")
            for name in ("defective", "good")
        },
        "by_label": by_label,
        "curve": {
            "threshold": curve.thresholds.tolist(),
            "recall": curve.recall.tolist(),
            "precision": curve.precision.tolist(),
            "false_alarms": curve.false_alarms.tolist(),
        },
    }


def _sentence(report: Mapping[str, Any]) -> str:
    """Say in one sentence what the threshold gives."""
    basis = (
        f"estimated for the whole data set, by {report['drawn']} images drawn at random and those labelled before"
        if report["drawn"]
        else "on the labelled images alone, which a strategy chose: no draw is complete, so the rest may differ"
    )
    missed = f"No threshold reaches a {report['aim']} of {report['value']:.0%}. "
    return (
        f"{'' if report['reached'] else missed}An image is called defective from a probability of "
        f"{report['threshold']:.3f} on: {report['recall']:.1%} of defects are found, {report['false_alarms']:.1%} of "
        f"good images raise a false alarm, {report['precision']:.1%} of alarms are defects ({basis})."
    )
