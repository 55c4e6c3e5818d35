"""What a stopping rule sees: the images labelled so far, round by round, and the uniform audits between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

import numpy as np

DRAWN = ("uniform", "stratified", "chosen")
"""How a validation set was drawn: uniformly, stratified by class, or chosen by a model or by hand."""


@dataclass(frozen=True)
class Audit:
    """A finished audit: images drawn uniformly, without replacement, from all that were left.

    Attributes
    ----------
    left, found : int
        Images left, and defects found by then, when it was drawn.
    size : int
        Images drawn, 1 to `left`. All of them are labelled: an interrupted audit is no audit yet.
    defects : int
        Defects among them.
    """

    left: int
    found: int
    size: int
    defects: int

    def __post_init__(self):
        if self.found < 0:
            raise ValueError(f"an audit was drawn with {self.found} defects found; give a count of at least 0")
        if not 1 <= self.size <= self.left:
            raise ValueError(f"an audit has {self.size} images of {self.left} left; draw at least 1 and at most all")
        if not 0 <= self.defects <= self.size:
            raise ValueError(f"an audit of {self.size} images has {self.defects} defects; give a count within them")


@dataclass(frozen=True)
class Validation:
    """How good the model is on labelled images that it was not trained on.

    Attributes
    ----------
    auc : float
        Area under the ROC curve, 0 to 1.
    error : float
        Its standard error, at least 0.
    images : int
        Images of the validation set, at least 1.
    drawn : str
        One of `DRAWN`. Only a uniform set may serve a stopping rule: a stratified one already knows how common
        defects are.
    """

    auc: float
    error: float
    images: int
    drawn: str

    def __post_init__(self):
        if not 0 <= self.auc <= 1:
            raise ValueError(f"a validation AUC is {self.auc}; give a number from 0 to 1")
        if not 0 <= self.error < np.inf:
            raise ValueError(f"the standard error of a validation AUC is {self.error}; give a number of at least 0")
        if self.images < 1:
            raise ValueError(f"a validation set has {self.images} images; give at least 1")
        if self.drawn not in DRAWN:
            raise ValueError(f"a validation set is drawn '{self.drawn}'; choose from {', '.join(DRAWN)}")


@dataclass(frozen=True, eq=False)
class Round:
    """One batch, and what the model says after it.

    Attributes
    ----------
    labels : ndarray of int64, shape (n,)
        1 for a defective image, 0 for a good one, in the order labelled; n at least 1. Images of an `Audit` that
        stands in `History.audits` are not among them.
    probabilities : ndarray of float32, shape (population,), optional
        Probability of "defective" of every image, by the model that chooses the next batch.
    seen : ndarray of bool, shape (population,), optional
        Images that were labelled when that model was trained; goes with `probabilities`.
    validation : Validation, optional
        Of that model.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None = None
    seen: np.ndarray | None = None
    validation: Validation | None = None

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.ndim != 1 or not labels.size:
            raise ValueError(f"labels of a round have the shape {labels.shape}; give one label of each image")
        if not ((labels == 0) | (labels == 1)).all():
            raise ValueError("labels of a round are not all 0 or 1; give 1 for a defective image, 0 for a good one")
        object.__setattr__(self, "labels", labels.astype(np.int64))
        if (self.probabilities is None) != (self.seen is None):
            raise ValueError("a round has probabilities or images seen alone; give both or neither")
        if self.probabilities is not None:
            self._check_probabilities()

    def _check_probabilities(self):
        probabilities, seen = np.asarray(self.probabilities, dtype=np.float32), np.asarray(self.seen)
        if probabilities.ndim != 1 or seen.shape != probabilities.shape or seen.dtype != np.bool_:
            raise ValueError(
                f"probabilities have the shape {probabilities.shape}, images seen {seen.shape} of {seen.dtype}; "
                "give a number and a truth value for each image of the population"
            )
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ValueError("probabilities of a round are not all from 0 to 1; give none that is NaN")
        object.__setattr__(self, "probabilities", probabilities)
        object.__setattr__(self, "seen", seen)

    @cached_property
    def size(self) -> int:
        """Images of the batch."""
        return self.labels.size

    @cached_property
    def defects(self) -> int:
        """Defects of the batch."""
        return int(self.labels.sum())

    @cached_property
    def n_seen(self) -> int:
        """Images that the model was trained on; 0 without probabilities."""
        return 0 if self.seen is None else int(self.seen.sum())


@dataclass(frozen=True, eq=False)
class History:
    """All that was labelled so far.

    Attributes
    ----------
    population : int
        Images in all, labelled or not, at least 1.
    rounds : tuple of Round
        In order. A few uniform picks within a batch belong to their round.
    audits : tuple of Audit
        Of the certificate's stages, in order. Where they lie between the rounds follows from their `Audit.left`.
    whole_curve : pair of ndarray, optional
        In simulations, for rules that need hindsight: images labelled and defects left after every round of the
        finished run.
    """

    population: int
    rounds: tuple[Round, ...] = ()
    audits: tuple[Audit, ...] = ()
    whole_curve: tuple[np.ndarray, np.ndarray] | None = None

    def __post_init__(self):
        if self.population < 1:
            raise ValueError(f"the population has {self.population} images; give at least 1")
        if self.labelled > self.population:
            raise ValueError(f"{self.labelled} images are labelled of a population of {self.population}; check both")
        self._check_rounds()

    def _check_rounds(self):
        labelled = 0
        for number, (event, following) in enumerate(zip_longest(self.events, self.events[1:])):
            labelled += event.size
            if isinstance(event, Audit) or event.seen is None:
                continue
            if event.seen.shape != (self.population,):
                raise ValueError(
                    f"step {number} has probabilities of {event.seen.size} images, the population has "
                    f"{self.population}; give one of each"
                )
            # A model may be trained anew after the audit that follows its round.
            audited = labelled + (following.size if isinstance(following, Audit) else 0)
            if not labelled <= event.n_seen <= audited:
                raise ValueError(
                    f"step {number} has a model that saw {event.n_seen} images where {labelled} were labelled; "
                    "give what was labelled when it was trained"
                )

    @cached_property
    def events(self) -> tuple[Round | Audit, ...]:
        """Rounds and audits in the order in which they were labelled."""
        return tuple(self._order())

    def _order(self) -> Iterator[Round | Audit]:
        labelled = found = 0
        audits, rounds = list(self.audits), list(self.rounds)
        while audits or rounds:
            if audits and self.population - labelled == audits[0].left:
                event = audits.pop(0)
                if event.found != found:
                    raise ValueError(
                        f"an audit was drawn with {event.found} defects found where rounds and audits before it have "
                        f"{found}; check its count"
                    )
            elif rounds:
                event = rounds.pop(0)
            else:
                raise ValueError(
                    f"an audit was drawn from {audits[0].left} images left, but there never were so many between two "
                    "rounds; check rounds and audits"
                )
            labelled, found = labelled + event.size, found + event.defects
            yield event

    @cached_property
    def labelled(self) -> int:
        """Images labelled, those of audits too."""
        return sum(event.size for event in (*self.rounds, *self.audits))

    @cached_property
    def found(self) -> int:
        """Defects found, those of audits too."""
        return sum(event.defects for event in (*self.rounds, *self.audits))

    @property
    def left(self) -> int:
        """Images not labelled."""
        return self.population - self.labelled

    @cached_property
    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Images labelled and defects found after each round and each audit, (n events,) int64 each."""
        counts = np.array([(event.size, event.defects) for event in self.events], dtype=np.int64).reshape(-1, 2)
        labelled, found = counts.cumsum(axis=0).T
        return labelled, found
