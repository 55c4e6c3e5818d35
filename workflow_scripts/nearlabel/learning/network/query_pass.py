"""The one pass of a network that feeds a query strategy, and whoever else wants to know: simulated or with a person."""

from collections.abc import Mapping

import numpy as np

from nearlabel.learning.network.evaluate import POSITIVE, Evaluator
from nearlabel.learning.network.logits import dropout_probabilities
from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies.base import Strategy
from nearlabel.learning.strategies.views import (
    FEATURES,
    MAPS,
    MC_PROBABILITIES,
    NOVELTY,
    POOL_LABELS,
    PROBABILITIES,
    View,
)


def look(
    evaluator: Evaluator,
    strategy: Strategy,
    pool: np.ndarray,
    labelled: np.ndarray,
    others: Mapping[str, np.ndarray] | None = None,
) -> dict[str, Evaluated]:
    """Evaluate, in one pass, what a strategy needs to know of pool and labelled images, and other images.

    Parameters
    ----------
    evaluator : Evaluator
    strategy : Strategy
        Its needs say what is evaluated.
    pool, labelled : ndarray of int64
        Rows to choose from, and those that have labels.
    others : mapping of str to ndarray of int64, optional
        Further rows, by a name; ``pool`` and ``labelled`` evaluate these though the strategy does not need them.

    Returns
    -------
    dict of str to Evaluated
        ``pool``, ``labelled``, where they were evaluated, and the others; maps of pool and labelled images alone.
    """
    needs, parts, of_maps = strategy.needs, {}, 0
    if len(pool) and needs & {FEATURES, MAPS}:
        parts |= {"pool": pool, "labelled": labelled}
        of_maps = len(pool) + len(labelled) if MAPS in needs else 0
    elif len(pool) and needs & {PROBABILITIES, MC_PROBABILITIES}:
        parts["pool"] = pool
    parts |= {name: rows for name, rows in (others or {}).items() if name not in parts}
    if not parts:
        return {}
    found = evaluator.evaluate(np.concatenate(list(parts.values())), maps=of_maps)
    ends = np.cumsum([len(rows) for rows in parts.values()])
    return {name: found.take(np.arange(end - len(parts[name]), end)) for name, end in zip(parts, ends, strict=True)}


def make_view(
    evaluator: Evaluator,
    strategy: Strategy,
    seen: Mapping[str, Evaluated],
    labels: np.ndarray,
    pool: np.ndarray,
    rng: np.random.Generator,
    *,
    pool_labels: np.ndarray | None = None,
    novelty: np.ndarray | None = None,
) -> View:
    """Make what a strategy sees of a round.

    Parameters
    ----------
    evaluator : Evaluator
        Of the network of the round.
    strategy : Strategy
    seen : mapping of str to Evaluated
        From `look`.
    labels : ndarray of int
        Class of each labelled image.
    pool : ndarray of int64
        Rows to choose from.
    rng : numpy.random.Generator
        Of dropout, where the strategy asks for it.
    pool_labels : ndarray of int, optional
        Classes of the pool, for bounds alone.
    novelty : ndarray, shape (rows,), optional
        How novel the image of every row is.

    Returns
    -------
    View
    """
    needs, found = strategy.needs, seen.get("pool", Evaluated(len(pool)))
    drawn = None
    if MC_PROBABILITIES in needs:
        head = evaluator.classifier.head
        weight, bias = (values.detach().cpu().numpy() for values in (head.weight, head.bias))
        drawn = dropout_probabilities(found.features, weight, bias, rng=rng, **strategy.monte_carlo)
    return View(
        found,
        seen.get("labelled", Evaluated(len(labels))),
        labels,
        POSITIVE,
        mc_probabilities=drawn,
        pool_labels=pool_labels if POOL_LABELS in needs else None,
        novelty=novelty[pool] if NOVELTY in needs and novelty is not None else None,
    )


def describe_maps(evaluator: Evaluator) -> str:
    """How activation maps are made."""
    return "closed form" if evaluator.features.closed_form else "autograd"
