"""Stages of the grouping half for `scale.py`: each one library call on files, in a process of its own.

Run by it as ``python tests/benchmarks/scale_stages.py STAGE FOLDER``; prints seconds and peak memory as JSON, or why
the stage refused.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

KS = range(2, 11)
BOOTSTRAPS = 10


class Stage(NamedTuple):
    """A stage and how it scales.

    Attributes
    ----------
    run : function of the run's folder
        Does the work.
    phase : int
        Stages of one phase run side by side, phases one after the other.
    jobs : int
        Independent jobs that the stage can be divided into: one for each k where they share nothing.
    grows : float or None
        Known exponent of its time for many images; None: the fitted one.
    """

    run: Callable[[Path], object]
    phase: int
    jobs: int = 1
    grows: float | None = None


def ids_of(n: int) -> list[str]:
    return [f"{i:07d}.png" for i in range(n)]


def draw_features(folder: Path, n: int, dimensions: int) -> None:
    """Blobs of unequal sizes that overlap, in float32, with two near-labels and one picture for all images."""
    from PIL import Image

    from nearlabel.features.store import write_features

    rng = np.random.default_rng(0)
    share = rng.dirichlet(np.full(20, 2.0))
    blob = rng.choice(20, n, p=share)
    centres = rng.normal(size=(20, dimensions)).astype(np.float32) * rng.uniform(0.3, 1, dimensions).astype(np.float32)
    # Spread along few directions, as features of networks have: 50 components keep most of it.
    directions = rng.normal(size=(40, dimensions)).astype(np.float32) / np.sqrt(dimensions)
    features = centres[blob] + rng.normal(size=(n, 40)).astype(np.float32) @ directions * 8
    features += rng.standard_normal((n, dimensions), dtype=np.float32) * 0.3
    folder.mkdir(parents=True)
    write_features(folder / "blobs.h5", features, ids_of(n), {"encoder": "blobs", "network": "resnet50"})
    near_label = np.where(rng.random(n) < 0.1, rng.integers(0, 2, n), blob % 2)
    pd.DataFrame({"image_id": ids_of(n), "near_label": near_label.astype(str)}).to_csv(
        folder / "near_labels.csv", index=False
    )
    Image.fromarray(rng.integers(0, 255, (64, 256), dtype=np.uint8)).save(folder / "strip.png")
    pd.DataFrame({"image_id": ids_of(n), "path": str(folder / "strip.png"), "width": 256, "height": 64}).to_csv(
        folder / "images.csv", index=False
    )


def reduce(folder: Path) -> None:
    from nearlabel.grouping.reduction.node import reduce_node

    reduce_node(
        [folder / "blobs.h5"], folder / "reduced.h5", node="root", clusters=None, selection=None, method="pca",
        components=50, standardise=None, seed=0,
    )  # fmt: skip


def cluster(name: str, algorithm: str, **parameters) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        from nearlabel.grouping.clustering.algorithms import sweep
        from nearlabel.grouping.clustering.labels import write_labels

        reduced = _reduced(folder)
        found = sweep(reduced.reduction.values, algorithm, KS, 0, **parameters)
        (folder / "labels").mkdir(exist_ok=True)
        write_labels(folder / f"labels/{name}.h5", reduced.image_id, found, name)

    return run


def score(folder: Path) -> None:
    from nearlabel.grouping.scores.quality import assess_clusterings

    quality, errors = assess_clusterings(_reduced(folder).reduction.values, _labels(folder), seed=0)
    quality.to_csv(folder / "quality.csv", index=False)
    errors.to_csv(folder / "silhouette_error.csv", index=False)


def evaluate(folder: Path) -> None:
    from nearlabel.grouping.scores.agreement import evaluate_c_score
    from nearlabel.grouping.selection.node_files import read_scores

    scores, null = evaluate_c_score(
        read_scores(folder / "quality.csv"), _labels(folder), _near_labels(folder), permutations=200, seed=0
    )
    scores.to_csv(folder / "scores.csv", index=False)
    null.to_csv(folder / "null.csv", index=False)


def select(folder: Path) -> None:
    from nearlabel.grouping.selection.criteria import select_clustering
    from nearlabel.grouping.selection.node_files import read_scores
    from nearlabel.grouping.selection.numbering import cluster_table
    from nearlabel.grouping.selection.selected import write_selection

    chosen = select_clustering({"blobs": read_scores(folder / "scores.csv")}, "min_max")
    block = _labels(folder)[chosen.algorithm]
    write_selection(folder / "selection.json", chosen)
    cluster_table(block.labels[chosen.k], block.image_id).to_csv(folder / "clusters.csv", index=False)


def stability(folder: Path) -> None:
    from nearlabel.grouping.clustering.algorithms import cluster as cluster_points
    from nearlabel.grouping.scores.stability import assess_stability
    from nearlabel.grouping.selection.numbering import cluster_table

    # Of K-Means whatever was selected, so that sizes compare.
    reduced = _reduced(folder)
    values = reduced.reduction.values
    table = cluster_table(cluster_points(values, "kmeans", [10], 0)[10], reduced.image_id)
    assess_stability(values, list(reduced.image_id), table, "kmeans", {}, 10, BOOTSTRAPS, 0)


def figures(folder: Path) -> None:
    from nearlabel.grouping.selection.node_files import read_scores
    from nearlabel.report.grouping.figures.algorithms import plot_algorithms
    from nearlabel.report.grouping.figures.clusters import plot_clusters
    from nearlabel.report.grouping.figures.convergence import plot_convergence
    from nearlabel.report.grouping.figures.dendrogram import plot_dendrogram
    from nearlabel.report.grouping.figures.near_labels import plot_near_labels
    from nearlabel.report.grouping.figures.quality import plot_quality

    selection = json.loads((folder / "selection.json").read_text(encoding="utf-8"))
    reduced, near_labels, table = _reduced(folder), _near_labels(folder), _clusters(folder)
    scores = {"blobs": read_scores(folder / "scores.csv")}
    (folder / "figures").mkdir(exist_ok=True)
    stem = folder / "figures"
    plot_quality(scores, selection, stem / "quality")
    plot_convergence(scores, {"blobs": read_scores(folder / "null.csv")}, selection, stem / "convergence")
    plot_clusters(reduced, table, near_labels, selection, stem / "clusters")
    plot_near_labels(reduced, table, near_labels, selection, stem / "near_labels")
    plot_algorithms(reduced, _labels(folder), near_labels, selection, stem / "algorithms")
    plot_dendrogram(reduced, table, near_labels, selection, {"agglomerative": "ward"}, stem / "dendrogram")
    print(f"figures: {sum(f.stat().st_size for f in stem.iterdir()) / 2**20:.1f} MiB", file=sys.stderr)


def sheets(folder: Path) -> None:
    from nearlabel.report.grouping.pictures.sheets import draw_contact_sheets

    reduced = _reduced(folder)
    images = pd.read_csv(folder / "images.csv", dtype={"image_id": str, "path": str})
    draw_contact_sheets(images, reduced.reduction.values, reduced.image_id, _clusters(folder), folder / "sheets")


def groups(folder: Path) -> None:
    from nearlabel.grouping.tree.groups import collect_groups, sort_images
    from nearlabel.grouping.tree.levels import list_expanded

    found = collect_groups({"root": _clusters(folder)}, _near_labels(folder))
    images = pd.read_csv(folder / "images.csv", dtype=str, keep_default_na=False)
    sort_images(found, images, folder / "groups", copies=False, names={})
    list_expanded({"root": _clusters(folder)}, _near_labels(folder), 0)


def _reduced(folder: Path):
    from nearlabel.grouping.reduction.reduced import read_reduced

    return read_reduced(folder / "reduced.h5")


def _labels(folder: Path):
    from nearlabel.grouping.clustering.labels import read_labels

    return read_labels(sorted((folder / "labels").glob("*.h5")))


def _near_labels(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "near_labels.csv", dtype=str, keep_default_na=False)


def _clusters(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "clusters.csv", dtype={"image_id": str}, keep_default_na=False)


NEIGHBORS = {"connectivity": "nearest_neighbors"}
STAGES = {
    "reduction (PCA, 50)": Stage(reduce, 0),
    "kmeans": Stage(cluster("kmeans", "kmeans"), 1, len(KS)),
    "minibatch_kmeans": Stage(cluster("minibatch_kmeans", "minibatch_kmeans"), 1, len(KS)),
    "gaussian_mixture, diag": Stage(cluster("mixture", "gaussian_mixture", covariance_type="diag"), 1, len(KS)),
    "agglomerative": Stage(cluster("agglomerative", "agglomerative"), 1, grows=2),
    "agglomerative, neighbours": Stage(cluster("agglomerative_graph", "agglomerative", **NEIGHBORS), 1, grows=2),
    "spectral, rbf": Stage(cluster("spectral", "spectral"), 1, grows=3),
    "spectral, neighbours": Stage(cluster("spectral_graph", "spectral", affinity="nearest_neighbors"), 1, grows=2),
    # Of a sample: exact up to 30,000 images, with the square of n there.
    "entropy, silhouettes": Stage(score, 2, grows=1),
    "C-Scores, nulls": Stage(evaluate, 3),
    "selection": Stage(select, 4),
    f"stability, {BOOTSTRAPS} bootstraps": Stage(stability, 5),
    "figures": Stage(figures, 5),
    "contact sheets": Stage(sheets, 5),
    "groups, links": Stage(groups, 5),
}


def peak_memory() -> int:
    """Bytes that this process held at most; ``ru_maxrss`` would count those of the process that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.split("VmHWM:")[1].split()[0])


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    import sklearn.cluster  # noqa: F401 - loads what threadpool_limits is to limit
    from threadpoolctl import threadpool_limits

    problem = None
    with threadpool_limits(1):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            STAGES[name].run(folder)
        except ValueError as error:
            problem = str(error)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak_memory(), "refused": problem}))


if __name__ == "__main__":
    main()
