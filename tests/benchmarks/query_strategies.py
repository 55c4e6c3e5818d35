"""Time of one query of every strategy, and of scikit-activeml's twins on the same features where it is installed.

Run: ``OMP_NUM_THREADS=1 python tests/benchmarks/query_strategies.py [--pool 5000] [--labelled 320]``. Limit: about one
second a query on one thread, for a pool of 5000 images with 512 features and batches of 32.
"""

import argparse
import importlib.util
import statistics
import warnings
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from peers import take_turns
from scipy.special import softmax
from sklearn.datasets import make_blobs
from threadpoolctl import threadpool_limits

from nearlabel.learning.network.logits import dropout_probabilities
from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies import STRATEGIES
from nearlabel.learning.strategies.base import Selection, Strategy
from nearlabel.learning.strategies.views import View

LIMIT_SECONDS = 1.0
TWINS = ("uncertainty", "core_set", "badge", "typiclust")


def draw_view(pool: int, labelled: int, dimensions: int, seed: int = 0) -> View:
    """A round as a ResNet gives it: features of 30 kinds of image that are not negative, a linear head, 7 × 7 maps."""
    rng = np.random.default_rng(seed)
    points, _ = make_blobs(pool + labelled, dimensions, centers=30, cluster_std=6.0, random_state=seed)
    features = np.maximum(points, 0).astype(np.float32)
    weight, bias = rng.normal(scale=0.02, size=(2, dimensions)), np.zeros(2)
    logits = (features @ weight.T + bias).astype(np.float32)
    maps = rng.random((pool + labelled, 7, 7), dtype=np.float32)
    first, rest = slice(0, pool), slice(pool, None)
    return View(
        Evaluated(pool, logits[first], features[first], maps[first]),
        Evaluated(labelled, logits[rest], features[rest], maps[rest]),
        np.argmax(logits[rest], axis=1),
        mc_probabilities=dropout_probabilities(features[first], weight, bias, passes=100, dropout=0.5, rng=rng),
        pool_labels=np.argmax(logits[first], axis=1),
        novelty=rng.normal(size=pool),
    )


def ask(strategy: Strategy, view: View, n: int) -> Selection:
    """One query with a generator of its own."""
    return strategy.select(view, n, np.random.default_rng(0))


def twins(view: View, n: int) -> dict[str, Callable[[], object]]:
    """scikit-activeml's queries on the same numbers."""
    if importlib.util.find_spec("skactiveml") is None:
        return {}
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.pool import Badge, CoreSet, TypiClust, UncertaintySampling

    class Known(SkactivemlClassifier):
        """Gives the probabilities of the view."""

        def fit(self, X, y):
            return self

        def predict_proba(self, X):
            return probabilities[: len(X)]

    points = np.concatenate([view.pool.features, view.labelled.features]).astype(np.float64)
    probabilities = softmax(view.pool.logits.astype(np.float64), axis=1)
    labels = np.concatenate([np.full(view.pool.size, np.nan), view.labels])
    known = {"clf": Known(classes=[0, 1]), "fit_clf": False}
    return {
        "uncertainty": lambda: UncertaintySampling(random_state=0).query(points, labels, batch_size=n, **known),
        "core_set": lambda: CoreSet(random_state=0).query(points, labels, batch_size=n),
        "badge": lambda: Badge(random_state=0).query(points, labels, batch_size=n, **known),
        "typiclust": lambda: TypiClust(random_state=0).query(points, labels, batch_size=n),
    }


def measure(
    view: View, n: int, names: Iterable[str] = tuple(STRATEGIES), *, repeats: int = 3, with_twins: bool = True
) -> dict[str, dict[str, list[float]]]:
    """Seconds on one thread by strategy: ``ours`` and, where there is a twin, ``theirs``, which take turns."""
    others = twins(view, n) if with_twins else {}
    seconds = {}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names:
            queries = {"ours": partial(ask, STRATEGIES[name](), view, n)}
            if name in others:
                queries["theirs"] = others[name]
            seconds[name] = take_turns(queries, repeats)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", type=int, default=5000)
    parser.add_argument("--labelled", type=int, default=320)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-twins", action="store_true")
    arguments = parser.parse_args()
    view = draw_view(arguments.pool, arguments.labelled, arguments.dimensions)
    seconds = measure(view, arguments.batch, repeats=arguments.repeats, with_twins=not arguments.no_twins)
    print(f"pool {arguments.pool}, labelled {arguments.labelled}, batch {arguments.batch}; seconds, one thread")
    for name, spent in seconds.items():
        ours = statistics.median(spent["ours"])
        line = f"{name:20} {ours:7.3f}  {ours / LIMIT_SECONDS:5.2f} of the limit"
        if "theirs" in spent:
            theirs = statistics.median(spent["theirs"])
            line += f"; scikit-activeml {theirs:7.2f}, {theirs / ours:.1f} times ours"
        print(line)


if __name__ == "__main__":
    main()
