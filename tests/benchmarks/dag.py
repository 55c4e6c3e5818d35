"""Time that Snakemake takes to plan: a dry run of 5,000 jobs, and a call of a finished run that has nothing to do.

Run from the repository: ``python tests/benchmarks/dag.py``. The first plan is the grouping paper's sweep, one number of
clusters a job, on several data sets; limit 15 s; beside it, in turns, the plan of as many jobs of a rule that has an
output, an input and a command only. The second run has the shape of both papers' together (4 encoders × 5 algorithms ×
k = 2 to 50 and two nodes below; 10 folds × 3 strategies) on few and small synthetic images, as its number of jobs and
files is what counts; it is made first, in some minutes, and then called again; limit 5 s. ``--folder DIR`` keeps it.
Medians of 3.
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
BARE = """
rule all:
    input: expand("bare/{{number}}.txt", number=range({jobs}))

rule copy:
    input: workflow.snakefile
    output: "bare/{{number}}.txt"
    shell: "cp {{input}} {{output}}"
"""
DRY = ("--dry-run", "--quiet", "rules")


def call(folder: Path, config: dict, *arguments: str) -> tuple[float, str]:
    """Call snakemake on the repository's workflow with results in a folder; return seconds and what it printed."""
    file = folder / f"{config['run']}.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    profile = ["--workflow-profile", REPOSITORY / "profiles/default", "--configfile", file]
    return snakemake(REPOSITORY / "Snakefile", folder, *profile, *arguments)


def plan_bare(folder: Path, jobs: int) -> tuple[float, str]:
    """Plan that many jobs of a rule that has nothing but an input, an output and a command."""
    snakefile = folder / "bare.smk"
    snakefile.write_text(BARE.format(jobs=jobs - 1), encoding="utf-8")
    return snakemake(snakefile, folder, *DRY)


def snakemake(snakefile: Path, folder: Path, *arguments: str | Path) -> tuple[float, str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", snakefile, "--directory", folder, "--cores", "all"]
    command += arguments
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return seconds, done.stdout + done.stderr


def report(words: str, seconds: list[float], limit: float, bare: list[float] = ()) -> None:
    median = statistics.median(seconds)
    print(f"{words}: {listed(seconds)}, {median / limit:.2f} of the limit of {limit:.0f} s", flush=True)
    if bare:
        print(f"  as many bare jobs: {listed(bare)}; {median / statistics.median(bare):.2f} of its time", flush=True)


def listed(seconds: list[float]) -> str:
    each = ", ".join(f"{second:.1f}" for second in seconds)
    return f"median {statistics.median(seconds):.1f} s (of {each})"


def count_jobs(told: str) -> int:
    """Jobs that Snakemake says it will run."""
    total = re.search(r"^total\s+(\d+)", told, re.MULTILINE)
    return int(total[1]) if total else 0


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keeps the finished run, so that a later call need not make it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        planned, bare = [], []
        for _ in range(options.repeats):
            seconds, told = call(folder, WIDE, *DRY)
            planned.append(seconds)
            bare.append(plan_bare(folder, count_jobs(told))[0])
        report(f"dry run of {count_jobs(told)} jobs", planned, 15, bare)
        made, told = call(folder, PAPERS)
        print(f"run of the papers' shape: {count_jobs(told)} jobs, {made:.0f} s", flush=True)
        again = [call(folder, PAPERS) for _ in range(options.repeats)]
        if not all("Nothing to be done" in told for _, told in again):
            raise RuntimeError("a second call found work to do")
        report("the same again", [seconds for seconds, _ in again], 5)


if __name__ == "__main__":
    main()
