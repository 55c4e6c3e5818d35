"""nearlabel beside what one would pick instead: the same work, in the same run, as one Markdown table.

Run from the repository: ``python tests/benchmarks/compare.py ../shared/data/magnetic_tile [--full] [--only knee ...]``.
Both sides take turns; a time is the median of three, a ratio is nearlabel's time over the peer's, so that below 1
nearlabel is faster. Every row states the threads. Without options it takes some nine minutes on two cores; ``--full``,
larger sizes, twice as long and more. ``--tiny`` only shows that everything runs: there, the start of processes is
most of nearlabel's time. The rows are those of `sweep`, `extraction`, `gradcam_query` and `query_strategies`, and
`knee_point` beside a bare ``kneed.KneeLocator``, which it calls after checks of its own.

pytorch-grad-cam and scikit-activeml come with ``pip install -e .[test]``. thingsvision needs an interpreter of its own,
given by ``--thingsvision elsewhere/bin/python``; `peers` says how to install it. Its PyTorch is an older one.
clustimage is left out: it extracts HOG, principal components and hashes, no network's features, so that there is no
same work.
"""

import argparse
import statistics
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import extraction
import gradcam_query
import numpy as np
import query_strategies
import sweep
from kneed import KneeLocator
from peers import describe_machine, take_turns, thingsvision_versions
from sweep_loop import draw_features

from nearlabel.learning.stopping.knee import knee_point

PACKAGES = (
    "nearlabel", "numpy", "scipy", "scikit-learn", "torch", "torchvision", "snakemake", "scikit-image", "grad-cam",
    "scikit-activeml", "kneed",
)  # fmt: skip


@dataclass(frozen=True)
class Sizes:
    """How much work each row is."""

    encoders: int
    vectors: int
    components: int
    last_k: int
    images: int
    network: str
    maps: int
    side: int
    pool: int
    labelled: int
    curves: int


SMALL = Sizes(4, 1000, 50, 25, 96, "resnet50", 150, 128, 5000, 320, 200)
FULL = Sizes(4, 1000, 50, 50, 320, "resnet50", 300, 128, 5000, 320, 1000)
TINY = Sizes(1, 100, 5, 4, 4, "resnet18", 4, 64, 100, 10, 5)


@dataclass(frozen=True)
class Row:
    """One line of the table: seconds of all turns; without `theirs`, `why_not` says why."""

    work: str
    peer: str
    ours: list[float]
    theirs: list[float] | None
    why_not: str = "not installed"


def sweep_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """The grouping stages through Snakemake, its start included, and a scikit-learn loop."""
    features = [draw_features(encoder, sizes.vectors) for encoder in range(sizes.encoders)]
    ks = range(2, sizes.last_k + 1)
    seconds = sweep.measure(features, sizes.components, [50], ks=ks, repeats=options.repeats)
    work = (
        f"{sizes.encoders} encoders × 5 algorithms × k = 2–{sizes.last_k} on {sizes.vectors} × "
        f"{features[0].shape[1]}, PCA {sizes.components}: workflow, 2 cores"
    )
    yield Row(work, "scikit-learn loop, libraries' own threads", seconds[50], seconds["loop"])


def extraction_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """Files to features, weights random, by `extract_features`, a torchvision loop and thingsvision."""
    if options.root is None:
        yield Row("features of images", "torchvision loop", [], None, "no folder of images given")
        return
    images = extraction.list_images(options.root, sizes.images)
    settings = Namespace(
        network=sizes.network, batch_size=32, threads=1, workers=1, device="cpu", thingsvision=options.thingsvision
    )
    versions = thingsvision_versions(options.thingsvision)
    measures = [extraction.extraction, extraction.plain_loop, extraction.plain_loop_default_threads]
    if versions:
        measures.append(extraction.by_thingsvision)
    rates = extraction.measure(images, settings, measures, options.repeats)
    seconds = {name: [len(images) / rate for rate in values] for name, values in rates.items()}
    work = f"features of {len(images)} images by {sizes.network}: 1 thread, 1 process that reads"
    ours = seconds["extraction"]
    yield Row(work, "torchvision loop, 1 thread", ours, seconds["plain_loop"])
    default = f"torchvision loop, PyTorch's own choice of {extraction.DEFAULT_THREADS} threads"
    yield Row("the same", default, ours, seconds["plain_loop_default_threads"])
    yield Row("the same", f"{versions or 'thingsvision'}, 1 thread", ours, seconds.get("by_thingsvision"))


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
        yield Row(work, "scikit-activeml, 1 thread", spent["ours"], spent.get("theirs"))


def knee_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """Knees of runs of 75 rounds, a quarter of them by chance; both sides must find the same."""
    curves = []
    for seed in range(sizes.curves):
        rng = np.random.default_rng(seed)
        ranking = rng.normal(size=2400) + (np.arange(2400) < 240) * (seed % 4)
        curves.append((32 * np.arange(1, 76), 240 - np.cumsum(np.argsort(-ranking) < 240)[31::32]))

    def ours() -> list:
        return [knee_point(*curve) for curve in curves]

    def theirs() -> list:
        return [KneeLocator(*curve, curve="convex", direction="decreasing").knee for curve in curves]

    if ours() != theirs():
        raise SystemExit("knee_point and kneed disagree: no time is worth comparing")
    seconds = take_turns({"ours": ours, "theirs": theirs}, options.repeats, warm_up=1)
    yield Row(f"knees of {len(curves)} curves of 75 rounds: 1 thread", "kneed, 1 thread", *seconds.values())


SECTIONS: dict[str, Callable[[Sizes, Namespace], Iterator[Row]]] = {
    "sweep": sweep_rows,
    "extraction": extraction_rows,
    "gradcam": gradcam_rows,
    "strategies": strategy_rows,
    "knee": knee_rows,
}


def write_seconds(seconds: float) -> str:
    """Three digits and a unit that suits."""
    for unit, factor in (("s", 1), ("ms", 1e3)):
        if seconds * factor >= 1:
            return f"{seconds * factor:.{max(0, 2 - int(np.log10(seconds * factor)))}f} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def write_row(row: Row) -> str:
    """The row in Markdown."""
    ours = statistics.median(row.ours) if row.ours else None
    theirs = statistics.median(row.theirs) if row.theirs else None
    cells = [
        row.work,
        row.peer,
        write_seconds(ours) if ours else "–",
        write_seconds(theirs) if theirs else row.why_not,
        f"{ours / theirs:.2f}" if ours and theirs else "–",
    ]
    return f"| {' | '.join(cells)} |"


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
    options = parser.parse_args()
    print(f"{describe_machine(PACKAGES)}\nmedians of {options.repeats}\n")
    print("| work | peer | nearlabel median | peer median | ratio |\n| --- | --- | --- | --- | --- |", flush=True)
    # In this order: the sweep comes before anything sets PyTorch's threads.
    for name in (name for name in SECTIONS if name in options.only):
        for row in SECTIONS[name](options.sizes, options):
            print(write_row(row), flush=True)
            turns = ("; ".join(f"{spent:.4g}" for spent in side or []) for side in (row.ours, row.theirs))
            print("  seconds of nearlabel {}, of the peer {}".format(*turns), file=sys.stderr)


if __name__ == "__main__":
    main()
