"""nearlabel beside what one would pick instead: the same work, in the same run, as one Markdown table.

Run from the repository: ``python tests/benchmarks/compare.py ../magnetic_tile [--full] [--only knee ...]``.
Both sides take turns; a time is the median of three, a ratio is nearlabel's time over the peer's, so that below 1
nearlabel is faster; one above its limit is bold. A limit on a rate is written as one on time: 0.95 of the bare forward
rate is 1.05 of its time, 0.8 of linear with 4 processes is 1 / 3.2 of the time of one. Every row states the threads.
Without options it takes some fifteen minutes on two cores; ``--full``, larger sizes, three times as long and more.
``--tiny`` only shows that everything runs: there, the start of processes is most of nearlabel's time.

The rows are those of `sweep`, `compare_features`, `gradcam_query` and `query_strategies`; `knee_point` beside a bare
``kneed.KneeLocator``; `compare_cuda`, where there is a GPU; and, with ``--demo-before CHECKOUT``, `compare_demo`: the
whole demo beside that of another checkout, such as one of an older version.

pytorch-grad-cam, scikit-activeml and kneed come with ``pip install -e .[test]``. thingsvision needs an interpreter of
its own, given by ``--thingsvision elsewhere/bin/python``; `peers` says how to install it. Its PyTorch is an older one.
clustimage is left out: it extracts HOG, principal components and hashes, no network's features, so that there is no
same work.
"""

import argparse
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

import gradcam_query
import numpy as np
import query_strategies
import sweep
from compare_cuda import cuda_rows
from compare_demo import demo_rows
from compare_features import evaluation_rows, extraction_rows, process_rows, stage_rows
from kneed import KneeLocator
from peers import describe_machine, take_turns
from sweep_loop import draw_features
from table import FULL, HEAD, SMALL, TINY, Row, Sizes, write_row

from nearlabel.learning.stopping.knee import knee_point

PACKAGES = (
    "nearlabel", "numpy", "scipy", "scikit-learn", "torch", "torchvision", "snakemake", "scikit-image", "grad-cam",
    "scikit-activeml", "kneed",
)  # fmt: skip
# Of the time of a scikit-learn loop; of scikit-activeml's; of kneed's.
SWEEP, STRATEGIES, KNEE = 0.5, {"core_set": 0.8}, 1.0


def sweep_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """The grouping stages through Snakemake, its start included, and a scikit-learn loop."""
    features = [draw_features(encoder, sizes.vectors) for encoder in range(sizes.encoders)]
    ks = range(2, sizes.last_k + 1)
    seconds = sweep.measure(features, sizes.components, [50], ks=ks, repeats=options.repeats)
    work = (
        f"{sizes.encoders} encoders × 5 algorithms × k = 2–{sizes.last_k} on {sizes.vectors} × "
        f"{features[0].shape[1]}, PCA {sizes.components}: workflow, 2 cores"
    )
    yield Row(work, "scikit-learn loop, libraries' own threads", seconds[50], seconds["loop"], SWEEP)


def gradcam_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """A GradCAM_avg query and pytorch-grad-cam, which resizes maps to the images, with scikit-image's similarity."""
    seconds = gradcam_query.measure("resnet18", sizes.maps, sizes.side, threads=1, repeats=options.repeats)
    work = f"Grad-CAM query of {sizes.maps} images of {sizes.side} × {sizes.side}, resnet18: 1 thread"
    peer = "pytorch-grad-cam and scikit-image, maps of the images' size, 1 thread"
    yield Row(work, peer, seconds["query"], seconds.get("reference"))


def strategy_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """A query of every strategy that scikit-activeml has too, on the same features and probabilities."""
    view = query_strategies.draw_view(sizes.pool, sizes.labelled, 512)
    n = min(32, sizes.labelled)
    for name in query_strategies.TWINS:
        spent = query_strategies.measure(view, n, [name], repeats=options.repeats)[name]
        work = f"`{name}`: {n} of {sizes.pool} × 512, {sizes.labelled} labelled: 1 thread"
        yield Row(work, "scikit-activeml, 1 thread", spent["ours"], spent.get("theirs"), STRATEGIES.get(name))


def knee_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """Knees of runs of 75 rounds, a quarter of them by chance; both sides must find the same but for first points."""
    curves = []
    for seed in range(sizes.curves):
        rng = np.random.default_rng(seed)
        ranking = rng.normal(size=2400) + (np.arange(2400) < 240) * (seed % 4)
        curves.append((32 * np.arange(1, 76), 240 - np.cumsum(np.argsort(-ranking) < 240)[31::32]))

    def ours() -> list:
        return [knee_point(*curve) for curve in curves]

    def theirs() -> list:
        return [KneeLocator(*curve, curve="convex", direction="decreasing").knee for curve in curves]

    # kneed takes the first point for a knee where defects are found slowly at first; here the next one counts.
    if any(b not in (a, curve[0][0]) for a, b, curve in zip(ours(), theirs(), curves, strict=True)):
        raise SystemExit("knee_point and kneed disagree: no time is worth comparing")
    seconds = take_turns({"ours": ours, "theirs": theirs}, options.repeats, warm_up=1)
    yield Row(f"knees of {len(curves)} curves of 75 rounds: 1 thread", "kneed, 1 thread", *seconds.values(), KNEE)


SECTIONS: dict[str, Callable[[Sizes, Namespace], Iterator[Row]]] = {
    "sweep": sweep_rows,
    "extraction": extraction_rows,
    "processes": process_rows,
    "stages": stage_rows,
    "evaluation": evaluation_rows,
    "gradcam": gradcam_rows,
    "strategies": strategy_rows,
    "knee": knee_rows,
    "cuda": cuda_rows,
    "demo": demo_rows,
}


def main() -> None:
    """Print the machine and the table, a row as soon as it is measured; on the error stream, the turns' seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?", help="folder of the magnetic tile data set")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--full", dest="sizes", action="store_const", const=FULL, default=SMALL)
    size.add_argument("--tiny", dest="sizes", action="store_const", const=TINY)
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--thingsvision", default=sys.executable, help="interpreter that has it, see peers.py")
    parser.add_argument("--demo-before", type=Path, help="another checkout, whose demo is run too")
    parser.add_argument("--demo-repeats", type=int, default=1, help="how often each demo is run")
    options = parser.parse_args()
    print(f"{describe_machine(PACKAGES)}\nmedians of {options.repeats}\n")
    print(HEAD, flush=True)
    over = []
    # In this order: the sweep comes before anything sets PyTorch's threads.
    for name in (name for name in SECTIONS if name in options.only):
        for row in SECTIONS[name](options.sizes, options):
            print(write_row(row), flush=True)
            turns = ("; ".join(f"{spent:.4g}" for spent in side or []) for side in (row.ours, row.theirs))
            print("  seconds of nearlabel {}, of the peer {}".format(*turns), file=sys.stderr)
            over += [f"{row.work} beside {row.peer}"] if row.ratio and row.limit and row.ratio > row.limit else []
    print("\n".join(["above their limit:", *over] if over else ["none above its limit"]), file=sys.stderr)


if __name__ == "__main__":
    main()
