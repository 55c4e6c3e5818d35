"""Follow a strategy's order with a stopping rule: where it would have stopped, and what had been found by then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from nearlabel.learning.stopping.history import Audit, History, Round, Validation
from nearlabel.learning.stopping.rules.base import Rule
from nearlabel.seeds import derive_seed

Propose = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Stop:
    """Where a rule stopped.

    Attributes
    ----------
    n_labelled : int
        Images labelled, those of audits too.
    recall : float
        Share of all defects that were found; 1 where there are none.
    certified : bool
        Whether the rule guarantees its target here.
    audited : int
        Images of audits.
    reason : str
        The rule's sentence.
    evidence : dict of str to int or float
        The rule's numbers.
    """

    n_labelled: int
    recall: float
    certified: bool
    audited: int
    reason: str
    evidence: dict[str, int | float]


def follow(
    rule: Rule,
    order: np.ndarray | Propose,
    labels: np.ndarray,
    batch_size: int,
    seed: int,
    probabilities: Sequence[np.ndarray | None] | None = None,
    validations: Sequence[Validation | None] | None = None,
) -> Stop | None:
    """Label batch by batch until the rule stops.

    Audits are drawn uniformly from all images that are left, those too that the order does not hold; the order skips
    images that were audited.

    Parameters
    ----------
    rule : Rule
    order : ndarray of int, shape (m,), or callable
        The strategy's order: distinct images of the population. A function is given the images seen, (n,) bool, not to
        be written to, and a number, and returns at most so many unseen images: a strategy that learns.
    labels : ndarray of int, shape (n,)
        1 for a defective image, 0 for a good one, of the whole population.
    batch_size : int
        Images of a batch; the last one may be smaller.
    seed : int
        Of the audits.
    probabilities : sequence of ndarray, shape (n,), optional
        Of the model after each round of the order. None where a round was not evaluated.
    validations : sequence of Validation, optional
        Likewise.

    Returns
    -------
    Stop or None
        None: the order ended, or the pool was empty, before the rule stopped.

    Raises
    ------
    ValueError
        An order that is none, or a rule that needs what is not given.
    """
    labels = np.asarray(labels, dtype=np.int64)
    given = {"probabilities": probabilities, "validation": validations}
    for need in sorted(rule.needs & given.keys()):
        if given[need] is None:
            raise ValueError(f"rule '{rule.name}' needs {need} of the rounds; give them")
    propose = order if callable(order) else _in_order(order, labels.size)
    whole = _whole_curve(propose, labels, batch_size) if "hindsight" in rule.needs else None
    seen = np.zeros(labels.size, dtype=bool)
    history = History(labels.size, whole_curve=whole)
    while not seen.all():
        decision = rule.decide(history)
        if decision.action == "stop":
            return _stop(rule, history, labels, decision)
        if decision.action == "audit":
            rng = np.random.default_rng(derive_seed(seed, f"audit/{len(history.audits)}"))
            drawn = rng.choice(np.flatnonzero(~seen), decision.audit, replace=False)
            audit = Audit(history.left, history.found, drawn.size, int(labels[drawn].sum()))
            seen[drawn] = True
            history = History(labels.size, history.rounds, (*history.audits, audit), whole)
            continue
        batch = propose(seen, batch_size)
        if not len(batch):
            return None
        seen[batch] = True
        number = len(history.rounds)
        p = probabilities[number] if probabilities is not None and number < len(probabilities) else None
        validation = validations[number] if validations is not None and number < len(validations) else None
        entry = Round(labels[batch], p, None if p is None else seen.copy(), validation)
        history = History(labels.size, (*history.rounds, entry), history.audits, whole)
    return None


def _stop(rule: Rule, history: History, labels: np.ndarray, decision) -> Stop:
    total = int(labels.sum())
    return Stop(
        n_labelled=history.labelled,
        recall=history.found / total if total else 1.0,
        certified=rule.guarantees,
        audited=sum(audit.size for audit in history.audits),
        reason=decision.reason,
        evidence=decision.evidence,
    )


def _in_order(order: np.ndarray, population: int) -> Propose:
    """Propose the first images of an order that are not seen."""
    order = np.asarray(order)
    inside = order.size == 0 or (order.min() >= 0 and order.max() < population)
    if not inside or len(np.unique(order)) != order.size:
        raise ValueError(f"an order names an image twice or beyond the {population} of the population; give rows of it")
    return lambda seen, n: order[~seen[order]][:n]


def _whole_curve(propose: Propose, labels: np.ndarray, batch_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Images labelled and defects left after each round of the order, without audits."""
    seen, labelled, found = np.zeros(labels.size, dtype=bool), [], []
    while len(batch := propose(seen, batch_size)):
        seen[batch] = True
        labelled.append(seen.sum())
        found.append(labels[seen].sum())
    return np.array(labelled), labels.sum() - np.array(found)
