"""Time and peak memory of exact silhouettes: 245 clusterings of 12,568 points in 50 dimensions, float64.

Run: ``python tests/benchmarks/silhouettes.py [--threads 1] [--blas-threads 1]``. Limits: 35 s and 2 GiB on 2 cores.
Points are blobs; four of the five families of clusterings are unrelated (nearest of k random points, k = 2 to 50), the
fifth nested, as agglomerative cuts are; ``--unrelated`` makes all five unrelated, the worst case.
"""

import argparse
import resource
import statistics
import time

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from nearlabel.grouping.scores.silhouettes import silhouette_scores

LIMIT_SECONDS = 35
LIMIT_BYTES = 2 * 2**30
KS = range(2, 51)


def draw_clusterings(points: np.ndarray, *, nested: bool, seed: int) -> list[np.ndarray]:
    """Five families for every k of KS: nearest of k random points; the last one's nested if asked."""
    rng = np.random.default_rng(seed)
    clusterings = []
    for family in range(5):
        order = rng.permutation(len(points))[: KS[-1]]
        for k in KS:
            if nested and family == 4:
                clusterings.append(np.minimum(_nearest(points, order), k - 1))
            else:
                clusterings.append(_nearest(points, rng.permutation(len(points))[:k]))
    return clusterings


def _nearest(points: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    centres = points[chosen]
    return np.argmin((centres**2).sum(1) - 2 * points @ centres.T, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=12_568)
    parser.add_argument("--dimensions", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--blas-threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--unrelated", action="store_true")
    arguments = parser.parse_args()
    points, _ = make_blobs(arguments.points, arguments.dimensions, centers=12, cluster_std=4.0, random_state=0)
    clusterings = draw_clusterings(points, nested=not arguments.unrelated, seed=0)
    seconds = []
    with threadpool_limits(arguments.blas_threads):
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            scores = silhouette_scores(points, clusterings, threads=arguments.threads, device=arguments.device)
            seconds.append(round(time.perf_counter() - start, 1))
    median = statistics.median(seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{len(clusterings)} clusterings of {points.shape}")
    print(f"threads {arguments.threads}, of BLAS {arguments.blas_threads}, device {arguments.device}")
    print(f"seconds: median {median:.1f} of {sorted(seconds)}; {median / LIMIT_SECONDS:.2f} of the limit")
    print(f"peak memory: {peak / 2**30:.2f} GiB; {peak / LIMIT_BYTES:.2f} of the limit")
    some = np.random.default_rng(1).choice(len(clusterings), 3, replace=False)
    worst = max(abs(silhouette_score(points, clusterings[i]) - scores[i]) for i in some)
    print(f"largest difference from scikit-learn's over clusterings {sorted(some.tolist())}: {worst:.1e}")


if __name__ == "__main__":
    main()
