import warnings

import numpy as np
import pytest
from scipy.special import softmax

from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies import badge, build_strategy, typiclust
from nearlabel.learning.strategies.views import View

pytest.importorskip("skactiveml", reason="scikit-activeml is not installed")

from skactiveml.base import SkactivemlClassifier
from skactiveml.pool import Badge, CoreSet, GreedyBALD, TypiClust, UncertaintySampling
from sklearn.base import BaseEstimator, ClusterMixin

POOL, LABELLED = 80, 10


class Known(SkactivemlClassifier):
    """A classifier that knows the probabilities of each row: the row's first number is its index."""

    def __init__(self, probabilities=None, classes=None):
        super().__init__(classes=classes)
        self.probabilities = probabilities

    def fit(self, X, y):
        return self

    @property
    def classes_(self):
        return np.array(self.classes)

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        return self.probabilities[X[:, 0].astype(int)]


class Given(ClusterMixin, BaseEstimator):
    """A clustering that is given."""

    def __init__(self, n_clusters=1, labels=None):
        self.n_clusters = n_clusters
        self.labels = labels

    def fit_predict(self, X, y=None):
        return self.labels


def draw(seed, classes):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(POOL, classes))
    features, labelled = rng.normal(size=(POOL, 6)), rng.normal(size=(LABELLED, 6))
    view = View(
        Evaluated(POOL, logits, features), Evaluated(LABELLED, None, labelled), rng.integers(0, classes, LABELLED)
    )
    points = np.concatenate([features, labelled])
    marks = np.concatenate([np.full(POOL, np.nan), view.labels])
    return view, points, marks


def select(view, name, n, **parameters):
    return build_strategy(name, parameters).select(view, n, np.random.default_rng(0))


@pytest.mark.parametrize("seed", range(3))
def test_core_set(seed):
    view, points, marks = draw(seed, 2)
    theirs, utilities = CoreSet(random_state=0).query(points, marks, batch_size=40, return_utilities=True)
    ours = select(view, "core_set", 40)
    np.testing.assert_array_equal(ours.indices, theirs)
    np.testing.assert_allclose(ours.scores, np.nanmax(utilities, axis=1), rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 4])
def test_uncertainty(classes):
    view, _, marks = draw(0, classes)
    indexed = np.arange(POOL + LABELLED, dtype=float)[:, np.newaxis]
    known = Known(softmax(view.pool.logits, axis=1), list(range(classes)))
    theirs, utilities = UncertaintySampling(method="least_confident", random_state=0).query(
        indexed, marks, known, fit_clf=False, batch_size=20, return_utilities=True
    )
    ours = select(view, "uncertainty", 20)
    np.testing.assert_array_equal(ours.indices, theirs)
    np.testing.assert_allclose(ours.scores, utilities[0, theirs], rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 4])
def test_badge_gives_every_image_their_chance(classes, monkeypatch):
    view, points, marks = draw(1, classes)
    probabilities = softmax(view.pool.logits, axis=1)

    class Embedding(Known):
        def predict_proba(self, X):
            return probabilities, view.pool.features

    theirs, utilities = Badge(random_state=0).query(
        points, marks, Embedding(classes=list(range(classes))), fit_clf=False, batch_size=30, return_utilities=True
    )
    assert select(view, "badge", 1).indices[0] == theirs[0]
    errors = probabilities - np.eye(classes)[probabilities.argmax(axis=1)]
    norms = (errors**2).sum(axis=1) * (view.pool.features**2).sum(axis=1)
    distances, order = [], iter(theirs[1:])

    def follow(squared, chosen, rng):
        # Ours are divided by the largest 1 − max p, squared.
        distances.append(squared * (1 - probabilities.max(axis=1)).max() ** 2)
        return next(order)

    monkeypatch.setattr(badge, "_draw", follow)
    ours = select(view, "badge", 30)
    np.testing.assert_array_equal(ours.indices, theirs)
    for step, (squared, utility) in enumerate(zip(distances, utilities[1:, :POOL], strict=True), 1):
        left = np.setdiff1d(np.arange(POOL), theirs[:step])
        # scikit-activeml goes on to count the origin among the centres; the authors' code does not.
        with_origin = np.minimum(squared, norms)[left]
        np.testing.assert_allclose(with_origin / with_origin.sum(), utility[left], rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_typiclust_on_the_same_clusters(seed, monkeypatch):
    view, points, marks = draw(seed, 2)
    rng = np.random.default_rng(seed)
    # Ten clusters have a labelled image each, five have none.
    clusters = np.empty(POOL + LABELLED, np.int64)
    clusters[POOL:] = np.arange(10)
    clusters[:POOL] = rng.permutation(np.repeat(np.arange(15), [2] * 5 + [1] * 5 + [16, 15, 13, 11, 10]))
    theirs = TypiClust(random_state=0, cluster_algo=Given, cluster_algo_dict={"labels": clusters}, k=5).query(
        points, marks, batch_size=5
    )
    monkeypatch.setattr(typiclust, "_kmeans", lambda *_: clusters)
    ours = select(view, "typiclust", 5, neighbours=5, normalise="none")
    np.testing.assert_array_equal(ours.indices, theirs)


def test_bald():
    rng = np.random.default_rng(0)
    sampled = softmax(rng.normal(size=(12, POOL, 3)) * 2, axis=2)
    indexed = np.arange(POOL + LABELLED, dtype=float)[:, np.newaxis]
    marks = np.concatenate([np.full(POOL, np.nan), np.arange(LABELLED) % 3])
    view = View(Evaluated(POOL), Evaluated(LABELLED), marks[POOL:], mc_probabilities=sampled)
    committee = [Known(p, [0, 1, 2]) for p in sampled]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, utilities = GreedyBALD(random_state=0).query(
            indexed, marks, committee, fit_ensemble=False, batch_size=15, return_utilities=True
        )
    ours = select(view, "bald", 15)
    np.testing.assert_array_equal(ours.indices, theirs)
    np.testing.assert_allclose(ours.scores, utilities[0, theirs], rtol=1e-6)
