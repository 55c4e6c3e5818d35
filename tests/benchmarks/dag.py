"""Time that Snakemake takes to plan: a dry run of 5,000 jobs, and a call of a finished run that has nothing to do.

Run from the repository: ``python tests/benchmarks/dag.py``. The first plan is the grouping paper's sweep, one number of
clusters a job, on several data sets; limit 15 s. The second run has the shape of both papers' together (4 encoders × 5
algorithms × k = 2 to 50 and two nodes below; 10 folds × 3 strategies) on few and small synthetic images, as its number
of jobs and files is what counts; it is made first, in some minutes, and then called again; limit 5 s. ``--folder DIR``
keeps it. Medians of 3.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
SYNTHETIC = {"kind": "synthetic", "count": 200, "height": 32, "width": 96, "near_labels": {"good": 0, "default": 1}}
ENCODERS = [
    "texture",
    *({"id": geometry, "name": "resnet18", "geometry": geometry} for geometry in ("squash", "tile", "official")),
]
ALGORITHMS = [
    "kmeans",
    "agglomerative",
    "minibatch_kmeans",
    "spectral",
    {"name": "gaussian_mixture", "parameters": {"covariance_type": "diag"}},
]
LEVEL = {"encoders": ENCODERS, "reduction": {"method": "pca", "components": 20}, "algorithms": ALGORITHMS}
FEATURES = {"weights": "seeded", "image_size": 32}
WIDE = {
    "run": "wide",
    "datasets": {f"steel{number}": SYNTHETIC for number in range(5)},
    "features": FEATURES,
    "grouping": {
        "datasets": [f"steel{number}" for number in range(5)],
        "levels": [LEVEL | {"ks": [2, 50]}],
        "ks_per_job": 1,
    },
}
PAPERS = {
    "run": "papers",
    "datasets": {"steel": SYNTHETIC},
    "features": FEATURES,
    "grouping": {
        "datasets": ["steel"],
        "levels": [LEVEL | {"ks": [2, 50]}, {"ks": [2, 10]}, {"ks": [2, 2]}],
        "expand": ["root.0", "root.0.0"],
        "bootstraps": 3,
    },
    "learning": {
        "datasets": ["steel"],
        "encoder": {"name": "resnet18", "image_size": 64},
        "strategies": ["random", "uncertainty", "gradcam_avg"],
        "fine_tune": "head",
        "folds": 10,
        "epochs": 2,
        "retrain": {"epochs": 2, "patience": 1},
    },
}


def call(folder: Path, config: dict, *arguments: str) -> tuple[float, str]:
    """Call snakemake on the repository's workflow with results in a folder; return seconds and what it printed."""
    file = folder / f"{config['run']}.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--directory", folder]
    command += ["--workflow-profile", REPOSITORY / "profiles/default", "--configfile", file, "--cores", "all"]
    command += arguments
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return seconds, done.stdout + done.stderr


def report(words: str, seconds: list[float], limit: float) -> None:
    median = statistics.median(seconds)
    each = ", ".join(f"{second:.1f}" for second in seconds)
    print(f"{words}: median {median:.1f} s (of {each}), {median / limit:.2f} of the limit of {limit:.0f} s", flush=True)


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keeps the finished run, so that a later call need not make it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        planned = [call(folder, WIDE, "--dry-run", "--quiet", "rules") for _ in range(options.repeats)]
        jobs = re.search(r"^total\s+(\d+)", planned[0][1], re.MULTILINE)[1]
        report(f"dry run of {jobs} jobs", [seconds for seconds, _ in planned], 15)
        made, told = call(folder, PAPERS)
        jobs = re.search(r"^total\s+(\d+)", told, re.MULTILINE)
        print(f"run of the papers' shape: {jobs[1] if jobs else 'no'} jobs, {made:.0f} s", flush=True)
        again = [call(folder, PAPERS) for _ in range(options.repeats)]
        if not all("Nothing to be done" in told for _, told in again):
            raise RuntimeError("a second call found work to do")
        report("the same again", [seconds for seconds, _ in again], 5)


if __name__ == "__main__":
    main()
