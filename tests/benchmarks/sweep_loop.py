"""The plain way to do the sweep: one process, scikit-learn, library defaults, one fit and one silhouette for every k.

What the workflow from ``reduce_features`` to ``select_clustering`` is measured against. Run: ``python
tests/benchmarks/sweep_loop.py [--encoders 4] [--components 50 | min] [--covariance-type full]``; the number of threads
is the libraries' own choice. Each fit has the settings of the workflow's: scikit-learn's defaults, but for the spectral
affinity's gamma (median heuristic, as scikit-learn's 1.0 underflows here) and, where asked for, the mixtures'
covariance.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.cluster import AgglomerativeClustering, KMeans, MiniBatchKMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from nearlabel.grouping.clustering.spectral_embedding import median_gamma

IMAGES, DIMENSIONS, KINDS, LATENT = 1000, 2048, 8, 40


def draw_features(encoder: int, images: int = IMAGES) -> np.ndarray:
    """Features as an encoder gives: float32 (images, 2048), not negative, eight overlapping kinds; seeded."""
    rng = np.random.default_rng(encoder)
    latent = rng.normal(scale=1.5, size=(KINDS, LATENT))[rng.integers(0, KINDS, images)]
    latent = latent + rng.normal(size=(images, LATENT)) * np.geomspace(2, 0.5, LATENT)
    activations = latent @ rng.normal(size=(LATENT, DIMENSIONS)) / np.sqrt(LATENT)
    return np.maximum(activations + rng.normal(scale=0.3, size=activations.shape), 0).astype(np.float32)


def run_loop(
    features: list[np.ndarray], components: int | str, *, covariance_type: str = "full", ks=range(2, 51), seed: int = 0
) -> dict[str, float]:
    """Reduce, cluster and score every encoder's features; return the seconds by stage, ``total`` included."""
    seconds: dict[str, float] = {}

    def timed(stage, function):
        start = time.perf_counter()
        result = function()
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start
        return result

    begun = time.perf_counter()
    for matrix in features:
        matrix = matrix.astype(np.float64)  # as the workflow computes
        width = min(matrix.shape) if components == "min" else components
        points = timed("reduce", lambda matrix=matrix, width=width: PCA(width, random_state=seed).fit_transform(matrix))
        gamma = timed("spectral", lambda points=points: median_gamma(points))
        estimators = {
            "kmeans": lambda k: KMeans(k, random_state=seed),
            "agglomerative": lambda k: AgglomerativeClustering(k),
            "minibatch_kmeans": lambda k: MiniBatchKMeans(k, random_state=seed),
            "spectral": lambda k, gamma=gamma: SpectralClustering(k, gamma=gamma, random_state=seed),
            "gaussian_mixture": lambda k: GaussianMixture(k, covariance_type=covariance_type, random_state=seed),
        }
        for name, make in estimators.items():
            for k in ks:
                estimator = make(k)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    labels = timed(name, lambda fit=estimator.fit_predict, points=points: fit(points))
                if 2 <= len(np.unique(labels)) <= len(points) - 1:
                    timed("silhouette", lambda labels=labels, points=points: silhouette_score(points, labels))
    seconds["total"] = time.perf_counter() - begun
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoders", type=int, default=4)
    parser.add_argument("--components", type=lambda text: text if text == "min" else int(text), default=50)
    parser.add_argument("--covariance-type", default="full")
    arguments = parser.parse_args()
    features = [draw_features(encoder) for encoder in range(arguments.encoders)]
    for stage, spent in run_loop(features, arguments.components, covariance_type=arguments.covariance_type).items():
        print(f"{stage:20} {spent:8.1f} s")


if __name__ == "__main__":
    main()
