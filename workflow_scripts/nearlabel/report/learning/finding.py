"""What active learning found on a data set, in a few sentences, and what to do next."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from nearlabel.learning.statistics import compare_strategies
from nearlabel.report.learning.collect import LearningRuns
from nearlabel.report.learning.curves import mean_bound
from nearlabel.report.learning.statistics import values_by_fold

ALPHA = 0.05
# Share of the defects to be found that "finds the defects" asks for.
FOUND = 0.95
FEW_FOLDS = 5


def describe_learning(
    run: LearningRuns, *, names: Mapping[str, str], stopping: pd.DataFrame | None = None, untrained: bool = False
) -> dict[str, Any]:
    """Say what active learning found: who finds defects and learns fastest, how sure that is, where one could stop.

    Strategies are compared by `nearlabel.learning.statistics.compare_strategies`, that is by the corrected resampled
    t-test, adjusted by Holm; only p < 0.05 counts as a difference.

    Parameters
    ----------
    run : LearningRuns
        One data set.
    names : mapping of str to str
        Id of a strategy → its name.
    stopping : DataFrame, optional
        Where stopping rules end the runs, from `nearlabel.report.learning.stopping.table.stopping_frame`.
    untrained : bool
        Whether the network began with random numbers.

    Returns
    -------
    dict
        sentences, a list of str; next, a list of mappings: text, and command_or_config to copy.
    """
    # The oracle sees the labels: a bound, no strategy.
    run = replace(run, strategies=tuple(id for id in run.strategies if names.get(id, id) != "oracle"))
    if not run.strategies:
        return {"sentences": [], "next": []}
    found, learnt = images_to_find(run), values_by_fold(run, "aubc")
    finds, learns = _lead(found.assign(value=-found["value"]), run), _lead(learnt, run)
    return {
        "sentences": [*_differences(run, found, learnt, finds, learns), _where_to_stop(run, finds, stopping)],
        "next": _next_steps(run, names, finds or learns, stopping is not None, untrained),
    }


def images_to_find(run: LearningRuns, share: float = FOUND) -> pd.DataFrame:
    """Count the images labelled when a share of the defects is found that the first batch left in the pool.

    Returns
    -------
    DataFrame
        strategy, fold, value (images labelled, NaN where the run did not come so far).
    """
    rows = []
    for strategy in run.strategies:
        for fold, rounds in run.rounds[strategy].items():
            left = rounds["defects_left"].to_numpy()
            reached = np.flatnonzero(left <= (1 - share) * left[0])
            rows.append((strategy, fold, rounds["n_labelled"].iloc[reached[0]] if len(reached) else np.nan))
    return pd.DataFrame(rows, columns=["strategy", "fold", "value"]).astype({"value": np.float64})


def _lead(values: pd.DataFrame, run: LearningRuns) -> tuple[str, list[str]] | None:
    """The strategy of the highest mean and whom it beats significantly; None where it beats nobody, or none can be."""
    if run.folds < 2 or len(run.strategies) < 2 or values["value"].isna().any():
        return None
    best = values.groupby("strategy", sort=False)["value"].mean().idxmax()
    beaten = []
    for row in compare_strategies(values, n_test=run.n_test, n_train=run.n_pool).itertuples():
        if best in (row.first, row.second) and row.t_p_holm < ALPHA and row.mean_difference:
            beaten.append(row.second if row.first == best else row.first)
    return (best, beaten) if beaten else None


def _differences(run: LearningRuns, found: pd.DataFrame, learnt: pd.DataFrame, finds, learns) -> list[str]:
    sure = f"corrected t-test over {run.folds} folds, adjusted for the number of pairs"
    images, areas = _means(found), _means(learnt)
    pool, percent = f"{run.n_pool:.0f}", f"{100 * FOUND:.0f} %"
    if len(run.strategies) == 1 or run.folds == 1:
        [*_, name] = run.strategies if len(run.strategies) == 1 else [None]
        who = f"{name} found" if name else f"The {len(run.strategies)} strategies found"
        why = "one strategy is compared with none" if name else "one fold allows no test"
        return [f"{who} {percent} of the pool's defects after {_range(images)} of {pool} images; {why}."]
    few = ", too few to show any but large differences" if run.folds < FEW_FOLDS else ""
    ranges = (
        f"{percent} of the pool's defects were found after {_range(images)} of {pool} images, and the mean test AUC "
        f"along the curve is {_range(areas, 3)}"
    )
    if not finds and not learns:
        return [f"No strategy is better than another beyond chance ({run.folds} folds{few}): {ranges}."]
    sentences = []
    if finds:
        best, beaten = finds
        text = f"{best} finds the defects fastest: {percent} of the pool's after {images[best]:.0f} of {pool} images"
        if "random" in images and best != "random":
            text += f", where random needs {images['random']:.0f}"
        sentences.append(f"{text}; sooner than {_whom(best, beaten, run)} ({sure}).")
    else:
        sentences.append(f"No strategy finds the defects sooner than another beyond chance ({run.folds} folds{few}).")
    if learns:
        best, beaten = learns
        bound = mean_bound(run.full_pool)
        sentences.append(
            f"The network learns fastest with {best}: its mean test AUC along the curve is {areas[best]:.3f} (the full "
            f"pool's model has {bound:.3f}), higher than with {_whom(best, beaten, run)}."
        )
    else:
        sentences.append(
            f"The network learns no faster with one than with another beyond chance: the mean test AUC along the curve "
            f"is {_range(areas, 3)}."
        )
    return sentences


def _where_to_stop(run: LearningRuns, finds, stopping: pd.DataFrame | None) -> str:
    strategy = finds[0] if finds else min(_means(images_to_find(run)).items(), key=lambda item: item[1])[0]
    pool = f"{run.n_pool:.0f}"
    if stopping is not None:
        sure = stopping[(stopping["strategy"] == strategy) & stopping["guarantees"]]
        own = sure[sure["folds_stopped"] == sure["folds"]].sort_values("n_labelled_mean")
        if len(sure) and not len(own):
            rule = sure.sort_values("folds_stopped", kind="stable").iloc[-1]
            return (
                f"With {strategy}, no rule that guarantees its recall would have ended labelling before the pool's end "
                f"in every fold: {rule['rule']} would have in {rule['folds_stopped']} of {rule['folds']}."
            )
        if len(own):
            rule = own.iloc[0]
            return (
                f"With {strategy}, the rule {rule['rule']} would have ended labelling after "
                f"{rule['n_labelled_mean']:.0f} of {pool} images on average; it guarantees a recall of "
                f"{rule['target']:g}, but for the share of runs that its alpha allows."
            )
    knees = [found["knee"] for found in run.knees[strategy].values() if found["knee"]]
    if len(knees) < run.folds / 2:
        some = f"a knee in only {len(knees)} of {run.folds} folds" if knees else "no knee"
        return f"With {strategy} the defects left have {some}: nothing here says where one could have stopped."
    where = np.mean([knee["n_labelled"] for knee in knees])
    told = f"after {where:.0f} of {pool} images"
    scores = [knee["test_auc"] for knee in knees if not pd.isna(knee["test_auc"])]
    best = [found["best"]["test_auc"] for found in run.knees[strategy].values() if found["best"]]
    if scores and best:
        told += f", with a test AUC of {np.mean(scores):.3f} ({np.mean(best):.3f} where it is best)"
    return (
        f"With {strategy} one could have stopped at the knee, a heuristic that {len(knees)} of {run.folds} folds have: "
        f"{told}."
    )


def _next_steps(run: LearningRuns, names, lead, stopped: bool, untrained: bool) -> list[dict[str, str]]:
    steps = []

    def add(text: str, config: str) -> None:
        steps.append({"text": text, "command_or_config": config})

    if untrained:
        add("Begin with trained weights: without them nothing above is evidence", "features: {weights: imagenet}")
    if run.folds < FEW_FOLDS:
        add("Take more folds, so that smaller differences show", "learning: {folds: 10}")
    if not stopped:
        add("Compare rules that say when to stop", "learning: {stopping: [certify, knee_prefix]}")
    if lead:
        name = names.get(lead[0], lead[0])
        config = f"labelling: {{dataset: {run.name}, strategy: {name}}}"
        add(f"Have a person label images in the order of {name}", config)
    return steps


def _means(values: pd.DataFrame) -> dict[str, float]:
    return values.groupby("strategy", sort=False)["value"].mean().to_dict()


def _range(means: Mapping[str, float], decimals: int = 0) -> str:
    known = [mean for mean in means.values() if not np.isnan(mean)]
    if not known:
        return "not known"
    low, high = (f"{of(known):.{decimals}f}" for of in (min, max))
    return low if low == high else f"{low} to {high}"


def _whom(best: str, beaten: list[str], run: LearningRuns) -> str:
    others = len(run.strategies) - 1
    if len(beaten) == others and others > 1:
        return f"all {others} others"
    if len(beaten) < 3:
        return " and ".join(beaten)
    left = [name for name in run.strategies if name not in {best, *beaten}]
    return f"all others but {left[0]}" if len(left) == 1 else f"{len(beaten)} of {others} others"
