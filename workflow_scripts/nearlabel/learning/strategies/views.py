"""What a query strategy sees of a round: the evaluation pass over pool and labelled images, and the labels given."""

from dataclasses import dataclass, field, replace

import numpy as np

from nearlabel.learning.network.outputs import Evaluated

PROBABILITIES = "probabilities"
FEATURES = "features"
MAPS = "maps"
MC_PROBABILITIES = "mc_probabilities"
POOL_LABELS = "pool_labels"
NOVELTY = "novelty"


@dataclass(frozen=True)
class View:
    """One round, as a strategy sees it.

    Attributes
    ----------
    pool : Evaluated
        The images to choose from.
    labelled : Evaluated
        The images labelled so far, at least one.
    labels : ndarray of int, shape (labelled.size,)
        Class of each labelled image: a column of the logits.
    positive : int
        Class that counts as defective.
    mc_probabilities : ndarray, shape (T, pool.size, C), optional
        Class probabilities of the pool in T passes with dropout.
    pool_labels : ndarray of int, shape (pool.size,), optional
        Classes of the pool, which nobody knows while labelling: for bounds alone.
    novelty : ndarray, shape (pool.size,), optional
        How novel each image of the pool is to the data set, whatever is labelled.
    available : frozenset of str
        Which needs of strategies the view meets.

    Raises
    ------
    ValueError
        Nothing labelled, arrays that do not fit, fewer than two classes, NaN or infinity, maps beyond [0, 1].
    """

    pool: Evaluated
    labelled: Evaluated
    labels: np.ndarray
    positive: int = 1
    mc_probabilities: np.ndarray | None = None
    pool_labels: np.ndarray | None = None
    novelty: np.ndarray | None = None
    available: frozenset[str] = field(init=False)

    def __post_init__(self):
        if self.labelled.size < 1:
            raise ValueError("no image is labelled; label a first batch before a strategy chooses the next")
        if np.shape(self.labels) != (self.labelled.size,):
            raise ValueError(f"labels have shape {np.shape(self.labels)} for {self.labelled.size} labelled images")
        found = {}
        for owner, evaluation in (("pool", self.pool), ("labelled images", self.labelled)):
            for name, values, axes in evaluation.arrays():
                _check(f"{name} of the {owner}", values, axes, evaluation.size)
                found.setdefault(name, []).append(values.shape[1:])
                if name == "maps" and values.size and not (values.min() >= 0 and values.max() <= 1 + 1e-6):
                    raise ValueError(
                        f"maps of the {owner} go from {values.min():.3g} to {values.max():.3g}; scale them to [0, 1]"
                    )
        if self.mc_probabilities is not None:
            _check("MC probabilities of the pool", np.swapaxes(self.mc_probabilities, 0, 1), 3, self.pool.size)
        if self.novelty is not None:
            _check("novelty of the pool", np.asarray(self.novelty), 1, self.pool.size)
        if self.pool_labels is not None and np.shape(self.pool_labels) != (self.pool.size,):
            raise ValueError(f"labels of the pool have shape {np.shape(self.pool_labels)} for {self.pool.size} images")
        for name, shapes in found.items():
            if len(set(shapes)) > 1:
                raise ValueError(f"{name} of pool and labelled images differ in shape: {shapes[0]} and {shapes[1]}")
        for shape in found.get("logits", []):
            if not 0 <= self.positive < shape[0] or shape[0] < 2:
                raise ValueError(f"logits have {shape[0]} columns; give one for each class, {self.positive} among them")
            if np.min(self.labels) < 0 or np.max(self.labels) >= shape[0]:
                raise ValueError(f"labels go from {np.min(self.labels)} to {np.max(self.labels)}, beyond the logits")
        needs = {name for name, shapes in found.items() if name != "logits" and len(shapes) == 2}
        if self.pool.logits is not None:
            needs.add(PROBABILITIES)
        needs |= {name for name in (MC_PROBABILITIES, POOL_LABELS, NOVELTY) if getattr(self, name) is not None}
        object.__setattr__(self, "available", frozenset(needs))

    def restrict(self, indices: np.ndarray) -> "View":
        """View of the same round with only some of the pool, in the order of `indices`."""
        return replace(
            self,
            pool=self.pool.take(indices),
            mc_probabilities=None if self.mc_probabilities is None else self.mc_probabilities[:, indices],
            pool_labels=None if self.pool_labels is None else np.asarray(self.pool_labels)[indices],
            novelty=None if self.novelty is None else np.asarray(self.novelty)[indices],
        )


def _check(what: str, values: np.ndarray, axes: int, size: int) -> None:
    if values.ndim != axes or len(values) != size:
        raise ValueError(f"{what} have shape {values.shape}; {axes} axes and {size} images were expected")
    finite = np.isfinite(values).all(axis=tuple(range(1, axes)))
    if not finite.all():
        bad = np.flatnonzero(~finite)
        raise ValueError(
            f"{what} hold NaN or infinity for {len(bad)} images (first: {bad[0]}); lower the learning rate if training "
            "diverged, or remove those images"
        )
