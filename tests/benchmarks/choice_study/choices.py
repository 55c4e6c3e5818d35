"""What each criterion chooses among all encoders' clusterings of a set, and how far that is from the best there was."""

from collections.abc import Mapping

import evidence
import numpy as np
import pandas as pd
from clusterings import Clusterings
from evidence import Evidence, judge_all
from labelled_sets import LabelledSet
from sklearn.metrics import adjusted_mutual_info_score

from nearlabel.grouping.selection.catalogue import LABEL_FREE
from nearlabel.grouping.selection.criteria import select_clustering
from nearlabel.seeds import derive_seed

ORACLE = "ami"
"""Looks at the classes: the best there was."""

PERMUTATIONS = 100
SEED = 0


def criteria() -> list[str]:
    """List the criteria that the study compares: all that need no labels and were measured."""
    return [criterion for criterion in LABEL_FREE if criterion != "stability" or evidence.STABILITY]


def judge_set(name: str, found: LabelledSet, made: Mapping[str, Clusterings], measured: Evidence) -> list[dict]:
    """Choose by every criterion, and hold the choice against the classes.

    Parameters
    ----------
    name : str
        The set's.
    found : LabelledSet
        Its labels.
    made : dict of str to Clusterings
        By encoder.
    measured : dict
        What `evidence.measure_all` gave.

    Returns
    -------
    list of dict
        A row for each criterion, the oracle last: set, images, classes, criterion, encoder, algorithm, k, ami, best
        (the oracle's AMI), regret (best less ami), chance (95 % of random labellings of the same sizes agree less with
        the chosen clustering), structure (how strong it is, by the evidence), others (AMI with coarser
        classes).
    """
    tables = {encoder: clusterings.scores for encoder, clusterings in made.items()}
    structure = judge_all(measured)
    rows = []
    for criterion in [*criteria(), ORACLE]:
        chosen = select_clustering(tables, criterion, **measured)
        clusters = made[chosen.encoder].blocks[chosen.algorithm].labels[chosen.k]
        others = {
            key: adjusted_mutual_info_score(values, clusters)
            for key, values in found.other_labels.items()
            if len(np.unique(values)) > 1
        }
        rows.append(
            {
                "set": name,
                "images": len(found.labels),
                "classes": len(np.unique(found.labels)),
                "criterion": criterion,
                "encoder": chosen.encoder,
                "algorithm": chosen.algorithm,
                "k": chosen.k,
                "ami": adjusted_mutual_info_score(found.labels, clusters),
                "chance": _chance(found.labels, clusters, name),
                "structure": structure,
                "others": "; ".join(f"{key} {value:.3f}" for key, value in others.items()),
            }
        )
    for row in rows:
        row["best"] = rows[-1]["ami"]
        row["regret"] = row["best"] - row["ami"]
    return rows


def judge_encoders(name: str, found: LabelledSet, made: Mapping[str, Clusterings], measured: Evidence) -> list[dict]:
    """Tell what each encoder alone offers, and what every criterion would choose of it.

    Returns
    -------
    list of dict
        A row for each encoder: set, encoder, images, classes, best (AMI), best_algorithm, best_k, at_true_k (best AMI
        at as many clusters as classes), and the AMI of every criterion's choice under the criterion's name.
    """
    classes = len(np.unique(found.labels))
    rows = []
    for encoder, clusterings in made.items():
        scores = clusterings.scores
        best = scores.loc[scores[ORACLE].idxmax()]
        row = {
            "set": name,
            "encoder": encoder,
            "images": len(found.labels),
            "classes": classes,
            "best": best[ORACLE],
            "best_algorithm": best["algorithm"],
            "best_k": best["k"],
            "at_true_k": scores.loc[scores["k"] == classes, ORACLE].max(),
        }
        for criterion in criteria():
            own = {keyword: {encoder: tables[encoder]} for keyword, tables in measured.items()}
            chosen = select_clustering({encoder: scores}, criterion, **own)
            row[criterion] = adjusted_mutual_info_score(
                found.labels, clusterings.blocks[chosen.algorithm].labels[chosen.k]
            )
        rows.append(row)
    return rows


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Sum up the choices by criterion, the best one first.

    Parameters
    ----------
    rows : DataFrame
        What `judge_set` gave, of all sets.

    Returns
    -------
    DataFrame
        criterion, sets, mean_ami, mean_regret, median_regret, worst_regret, by_chance (sets whose best exceeds .3 and
        whose chosen clustering is no better than chance).
    """
    summary = []
    for criterion, group in rows[rows["criterion"] != ORACLE].groupby("criterion", sort=False):
        summary.append(
            {
                "criterion": criterion,
                "sets": len(group),
                "mean_ami": group["ami"].mean(),
                "mean_regret": group["regret"].mean(),
                "median_regret": group["regret"].median(),
                "worst_regret": group["regret"].max(),
                "by_chance": int(((group["best"] > 0.3) & (group["ami"] <= group["chance"])).sum()),
            }
        )
    return pd.DataFrame(summary).sort_values("mean_regret", kind="stable", ignore_index=True)


def _chance(labels: np.ndarray, clusters: np.ndarray, name: str) -> float:
    rng = np.random.default_rng(derive_seed(SEED, f"choice_study/chance/{name}"))
    drawn = [adjusted_mutual_info_score(rng.permutation(labels), clusters) for _ in range(PERMUTATIONS)]
    return float(np.quantile(drawn, 0.95))
