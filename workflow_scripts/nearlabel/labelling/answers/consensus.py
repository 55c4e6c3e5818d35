"""One label for each image from those of all annotators, and how far annotators agree."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from nearlabel.labelling.answers.reading import CURRENT
from nearlabel.labelling.catalogue import SKIP, UNDECIDED, UNSURE

LABEL_COLUMNS = ["image_id", "label", "defective", "annotators", "state"]
DISAGREEMENT_COLUMNS = ["image_id", "annotator", "label", "time"]
LABELLED, DISPUTED = "labelled", "disputed"


def merge_answers(answers: pd.DataFrame, good: str) -> pd.DataFrame:
    """Give every image that was answered its label.

    The majority of annotators decides, each by the latest answer; those who are unsure or have skipped it have no say.

    Parameters
    ----------
    answers : DataFrame
        ``answers.csv``, of `nearlabel.labelling.answers.reading.read_answers`.
    good : str
        The label of images without a defect.

    Returns
    -------
    DataFrame
        ``labels.csv``, sorted by image_id: image_id; label (empty where two have as many votes); defective (1, 0, or
        empty where not even that is decided); annotators, who have given a label; state: ``labelled``, ``disputed``
        (good or defective is not decided), ``unsure`` or ``skip`` (nobody has given a label).
    """
    rows = []
    current = answers[answers["state"] == CURRENT]
    for image_id, own in current.groupby("image_id", sort=True):
        votes = [label for label in own["label"] if label not in UNDECIDED]
        if not votes:
            state = UNSURE if UNSURE in set(own["label"]) else SKIP
            rows.append([image_id, "", "", 0, state])
            continue
        defective = _majority(["0" if label == good else "1" for label in votes])
        # Of those who say that there is a defect, or that there is none.
        label = _majority([label for label in votes if (label == good) == (defective == "0")]) if defective else ""
        rows.append([image_id, label, defective, len(votes), LABELLED if defective else DISPUTED])
    return pd.DataFrame(rows, columns=LABEL_COLUMNS)


def _majority(votes: Sequence[str]) -> str:
    """What has most votes; empty where several have as many."""
    counts = Counter(votes).most_common()
    return "" if len(counts) > 1 and counts[0][1] == counts[1][1] else counts[0][0]


def list_disagreements(answers: pd.DataFrame) -> pd.DataFrame:
    """List the labels of all annotators of images that they label differently.

    Parameters
    ----------
    answers : DataFrame
        ``answers.csv``.

    Returns
    -------
    DataFrame
        ``disagreements.csv``: image_id, annotator, label, time; sorted.
    """
    current = _labels_given(answers)
    disputed = current.groupby("image_id")["label"].transform("nunique") > 1
    rows = current[disputed].sort_values(["image_id", "annotator"])
    return rows[DISAGREEMENT_COLUMNS].reset_index(drop=True)


def measure_agreement(answers: pd.DataFrame) -> list[dict[str, Any]]:
    """Cohen's kappa of each two annotators on the images that both have labelled.

    Parameters
    ----------
    answers : DataFrame
        ``answers.csv``.

    Returns
    -------
    list of dict
        annotators (two names), images, alike (how many have the same label), kappa (None where chance alone would
        have both always agree, or without an image of both).
    """
    current = _labels_given(answers)
    by_annotator = {name: own.set_index("image_id")["label"] for name, own in current.groupby("annotator", sort=True)}
    found = []
    for first, second in combinations(by_annotator, 2):
        both = pd.concat([by_annotator[first], by_annotator[second]], axis=1, join="inner", keys=["first", "second"])
        alike = int((both["first"] == both["second"]).sum())
        found.append({"annotators": [first, second], "images": len(both), "alike": alike, "kappa": _kappa(both)})
    return found


def _labels_given(answers: pd.DataFrame) -> pd.DataFrame:
    """Each annotator's latest answer to an image, where it is a label."""
    return answers[(answers["state"] == CURRENT) & ~answers["label"].isin(UNDECIDED)]


def _kappa(both: pd.DataFrame) -> float | None:
    if both.empty or both.stack().nunique() < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    return float(cohen_kappa_score(both["first"], both["second"]))
