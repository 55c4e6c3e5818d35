"""The network that learns from the labels so far: trained from the start, judged without its own images, asked."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from nearlabel.learning.data.splitting import MIN_FOLDS, assign_folds
from nearlabel.learning.network.evaluate import POSITIVE, Evaluator
from nearlabel.learning.network.fit import Trainer
from nearlabel.learning.network.logits import log_odds
from nearlabel.learning.network.model import Classifier
from nearlabel.learning.network.query_pass import look, make_view
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.strategies.base import Strategy
from nearlabel.seeds import derive_seed

logger = logging.getLogger(__name__)


class Learner:
    """A classifier and the labels that it learns from.

    Parameters
    ----------
    classifier : Classifier
        Trained in place, always from the start: what it gives depends on the labels alone, not on earlier rounds.
    values : ndarray or StoredRows, shape (n, …)
        Stored rows: images, or outputs of the frozen stages.
    labels : ndarray of int64, shape (n,)
        1 defective, 0 good, -1 no label.
    settings : mapping
        What `nearlabel.learning.network.fit.Trainer` takes, and ``maps``, ``evaluation_batch_size``.
    seed : int
        Of training.

    Attributes
    ----------
    labelled, pool : ndarray of int64
        Rows with and without a label.
    """

    def __init__(
        self,
        classifier: Classifier,
        values: np.ndarray | StoredRows,
        labels: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
    ):
        self.classifier, self.labels, self._seed = classifier, np.asarray(labels, np.int64), seed
        self.labelled, self.pool = np.flatnonzero(self.labels >= 0), np.flatnonzero(self.labels < 0)
        rows = StoredRows.of(values, classifier.device)
        self.trainer = Trainer(classifier, rows, self.labels, settings)
        self.evaluator = Evaluator(classifier, rows, settings["evaluation_batch_size"], settings["maps"])

    @property
    def can_learn(self) -> bool:
        """Whether good and defective images are labelled."""
        return len(np.unique(self.labels[self.labelled])) == 2

    def train(self) -> None:
        """Train on all labelled images."""
        self._train(self.labelled)

    def _train(self, rows: np.ndarray) -> None:
        self.classifier.restart()
        self.trainer.train(rows, rows, derive_seed(self._seed, "train"))

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """Probability that an image is defective, float64, by the network as it is now."""
        return expit(log_odds(self.evaluator.evaluate(rows).logits, POSITIVE).astype(np.float64))

    def cross_validate(self, groups: np.ndarray, folds: int) -> np.ndarray:
        """Judge every labelled image by a network that has not learnt from it, nor from a near-duplicate of it.

        Parameters
        ----------
        groups : ndarray of int, shape (n,)
            Near-duplicates have one number.
        folds : int
            Parts; fewer where one class has fewer groups.

        Returns
        -------
        ndarray of float64, shape (n,)
            Probability of a defect; NaN without a label, and where a class has too few images for three parts. The
            classifier is then one of the last part: train it again.
        """
        found = np.full(len(self.labels), np.nan)
        own, number = self.labels[self.labelled], groups[self.labelled]
        possible = min(folds, *(len(np.unique(number[own == value])) for value in (0, 1)))
        while possible >= MIN_FOLDS:
            try:
                part = assign_folds(own == POSITIVE, number, possible, derive_seed(self._seed, "parts"))
                break
            except ValueError:
                possible -= 1
        else:
            logger.info("too few labels of one class to judge the network by cross-validation")
            return found
        for one in range(possible):
            self._train(self.labelled[part != one])
            rows = self.labelled[part == one]
            found[rows] = self.probabilities(rows)
        return found

    def choose(
        self,
        strategy: Strategy,
        among: np.ndarray,
        n: int,
        *,
        taken: np.ndarray,
        seed: int,
        novelty: np.ndarray | None = None,
    ) -> np.ndarray:
        """Let a strategy choose images to label.

        Parameters
        ----------
        strategy : Strategy
        among : ndarray of int64
            Rows to choose from.
        n : int
            How many.
        taken : ndarray of int64
            Rows that are labelled next whatever it chooses; it counts them, as good, to what is labelled while nothing
            is learnt: so that it covers the data beside them.
        seed : int
        novelty : ndarray, shape (n,), optional
            How novel the image of each row is.

        Returns
        -------
        ndarray of int64
            Rows, most wanted first.
        """
        if not len(among) or n < 1:
            return np.empty(0, np.int64)
        rng = np.random.default_rng(seed)
        labelled = self.labelled
        if not self.can_learn:
            self.classifier.restart()
            labelled = np.concatenate([labelled, taken])
            if not len(labelled):
                # A view has at least one image that is known.
                labelled = among[:1]
        seen = look(self.evaluator, strategy, among, labelled)
        labels = np.maximum(self.labels[labelled], 0)
        view = make_view(self.evaluator, strategy, seen, labels, among, rng, novelty=novelty)
        return among[strategy.select(view, n, rng).indices]

    def overlays(self, rows: np.ndarray) -> np.ndarray | None:
        """Where the network looks for a defect: maps in [0, 1], float32 (rows, height, width); None without maps."""
        try:
            return self.evaluator.evaluate(rows, maps=True).maps if len(rows) else None
        except ValueError as error:
            logger.info("no overlays: %s", error)
            return None
