"""The grouping stages through Snakemake on two cores, against a plain scikit-learn loop that does the same work.

From stored features of 1000 images × 2048, four encoders, five algorithms, k = 2-50: everything from
``reduce_features`` to ``score_clusterings``, what the loop does too; evidence of structure, which it has not, is left
out. Run: ``python tests/benchmarks/sweep.py [--components 50 | min] [--repeat 3] [--ks-per-job 10 25 50]``. Target: at
most half of the loop's time. The loop is `sweep_loop.run_loop`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import yaml
from peers import take_turns
from sweep_loop import draw_features, run_loop

from nearlabel.features.store import write_features

REPOSITORY = Path(__file__).parents[2]
ENCODERS = 4
KS = range(2, 51)


def prepare(
    folder: Path, features: list, components: int | str, covariance: str, ks: Sequence[int], ks_per_job: int
) -> None:
    """Lay out a run whose features are done."""
    names = [f"encoder{i}" for i in range(len(features))]
    ids = [f"{i:04d}.png" for i in range(len(features[0]))]
    data = folder / "results/bench/blobs"
    (data / "features").mkdir(parents=True)
    pd.DataFrame({"image_id": ids, "near_label": [str(i % 2) for i in range(len(ids))]}).to_csv(
        data / "near_labels.csv", index=False
    )
    for name, matrix in zip(names, features, strict=True):
        write_features(data / f"features/{name}.h5", matrix, ids, {"encoder": name, "network": "resnet50"})
    config = {
        "run": "bench",
        "datasets": {"blobs": {"kind": "image_folder", "root": "none"}},
        "grouping": {
            "datasets": ["blobs"],
            "ks_per_job": ks_per_job,
            "levels": [
                {
                    "encoders": [{"id": name, "name": "resnet50"} for name in names],
                    "reduction": {"method": "pca", "components": components},
                    "algorithms": [
                        "kmeans",
                        "agglomerative",
                        "minibatch_kmeans",
                        "spectral",
                        {"name": "gaussian_mixture", "parameters": {"covariance_type": covariance}},
                    ],
                    "ks": [ks[0], ks[-1]],
                }
            ],
        },
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def run_workflow(features: list, components: int | str, covariance: str, ks: Sequence[int], ks_per_job: int) -> float:
    """Seconds of one call of snakemake on two cores, its own start included."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, features, components, covariance, ks, ks_per_job)
        targets = [f"results/bench/blobs/grouping/root/encoder{i}/quality.csv" for i in range(len(features))]
        command = [sys.executable, "-m", "snakemake", "-s", str(REPOSITORY / "Snakefile"), "--cores", "2", *targets]
        start = time.perf_counter()
        # The features have no images behind them: only what is missing or older is made.
        done = subprocess.run(
            [*command, "--rerun-triggers", "mtime", "--configfile", "config.yaml"],
            cwd=folder, capture_output=True, text=True, env=os.environ,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        if done.returncode or not all((folder / target).exists() for target in targets):
            raise SystemExit(done.stdout + done.stderr)
        return seconds


def measure(
    features: list, components: int | str, ks_per_job: Sequence[int], *, ks: range = KS, repeats: int = 3
) -> dict[str | int, list[float]]:
    """Seconds of the loop (``loop``) and of the workflow for each number of clusterings a job, which take turns."""
    # Full covariances in as many dimensions as images take minutes for each k and cannot be estimated.
    covariance = "diag" if components == "min" else "full"
    workflow = {n: partial(run_workflow, features, components, covariance, ks, n) for n in ks_per_job}
    loop = {"loop": lambda: run_loop(features, components, covariance_type=covariance, ks=ks)["total"]}
    return take_turns(loop | workflow, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=lambda text: text if text == "min" else int(text), default=50)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--ks-per-job", type=int, nargs="+", default=[50])
    arguments = parser.parse_args()
    features = [draw_features(encoder) for encoder in range(ENCODERS)]
    seconds = measure(features, arguments.components, arguments.ks_per_job, repeats=arguments.repeat)
    loop = statistics.median(seconds["loop"])
    print(f"plain loop, library threads: {loop:.1f} s (of {', '.join(f'{s:.1f}' for s in seconds['loop'])})")
    for ks_per_job in arguments.ks_per_job:
        ours = statistics.median(seconds[ks_per_job])
        listed = ", ".join(f"{s:.1f}" for s in seconds[ks_per_job])
        print(f"workflow, {ks_per_job} k a job: {ours:.1f} s (of {listed}), {ours / loop:.2f} of the loop")


if __name__ == "__main__":
    main()
