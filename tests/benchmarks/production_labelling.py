"""What labelling costs beside decoding and the encoder's pass: latency of one image, and rate of many.

Latency: reading, preparing and labelling one image at a time, over decoding it, placing it and one pass of the encoder.
Rate: images a second of a folder, decoded in threads while others are labelled, over the encoder's passes alone at the
same pass size; beside it what passes of 32 images would give. Interleaved, medians, the load average beside them.

    python tests/benchmarks/production_labelling.py BUNDLE FOLDER [--pattern '*.jpg'] [--images 200] [--workers 1]
"""

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

from nearlabel.features.batches import encode_images
from nearlabel.features.encoding.needs import count_cores
from nearlabel.images.reading import read_whole
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.commands.main import SWITCH
from nearlabel.production.labeller.encoders import build_bundle_encoder
from nearlabel.production.labeller.folder import label_files
from nearlabel.production.labeller.labeller import Labeller

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pattern", default="*.jpg")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--workers", type=int, default=max(1, count_cores() - 1))
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    # As the command does.
    sys.setswitchinterval(SWITCH)
    bundle = read_bundle(arguments.bundle)
    labeller = Labeller(bundle, device=arguments.device)
    name = bundle.nodes["root"].encoder
    encoder = build_bundle_encoder(bundle, name, device=arguments.device)
    found = sorted(arguments.folder.rglob(arguments.pattern))
    paths = [str(path) for path in found[:: max(1, len(found) // arguments.images)]][: arguments.images]
    print(f"{name}, {len(bundle.reference.features)} training images, {len(paths)} images, {os.cpu_count()} cores")
    load = os.getloadavg()[0]
    print(f"latency: {measure_latency(labeller, encoder, paths)}")
    print(f"rate:    {measure_rate(labeller, encoder, paths, arguments.workers)}")
    print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after")


def measure_latency(labeller: Labeller, encoder, paths: list[str]) -> str:
    said = []
    # Other programs disturb the time that this thread computes less than the time that passes.
    for name, clock in (("passing", time.perf_counter), ("of the processor", time.thread_time)):
        bare, whole = [], []
        for path in paths[:10] + paths:
            start = clock()
            image = read_whole(path)[0].to_rgb()
            encode_images(encoder, [encoder.prepare(image)], 1)
            middle = clock()
            labeller.label([labeller.prepare(path)])
            end = clock()
            bare.append(middle - start)
            whole.append(end - middle)
        ratios = [own / other for own, other in zip(whole[10:], bare[10:], strict=True)]
        said.append(
            f"time {name}: {1e3 * statistics.median(whole[10:]):.2f} ms an image, decoding and encoding alone "
            f"{1e3 * statistics.median(bare[10:]):.2f} ms, median of the images' ratios {statistics.median(ratios):.2f}"
        )
    return "; ".join(said)


def measure_rate(labeller: Labeller, encoder, paths: list[str], workers: int) -> str:
    placed = [encoder.prepare(read_whole(path)[0].to_rgb()) for path in paths]
    # Texture is described where images are decoded; its pass is nothing.
    describes = encoder.name == "texture"

    def encode_alone() -> None:
        if describes:
            for path in paths:
                encoder.prepare(read_whole(path)[0].to_rgb())
        else:
            encode_images(encoder, placed, 1)

    def label_all() -> None:
        count = sum(not isinstance(said, str) for _, said in label_files(labeller, paths, workers=workers))
        assert count == len(paths)

    seconds: dict[str, list[tuple[float, float]]] = {"alone": [], "wide": [], "whole": []}
    for _ in range(ROUNDS):
        seconds["alone"].append(_timed(encode_alone))
        seconds["wide"].append(_timed(lambda: encode_images(encoder, placed, 32)))
        seconds["whole"].append(_timed(label_all))
    passing, computing = (
        {name: statistics.median(pair[which] for pair in pairs) for name, pairs in seconds.items()} for which in (0, 1)
    )
    what = "describing in one thread" if describes else "the encoder's passes of 1 image alone"
    said = (
        f"{len(paths) / passing['whole']:.0f} images/s with {workers} thread(s) that decode, {what} "
        f"{len(paths) / passing['alone']:.0f}: {passing['alone'] / passing['whole']:.2f} times"
    )
    if describes:
        return said
    # What is left of the rate where another core decodes and no other program takes this one.
    return (
        f"{said}; by the processor's time of the thread that labels {computing['alone'] / computing['whole']:.2f} "
        f"times; passes of 32: {len(paths) / passing['wide']:.0f} images/s"
    )


def _timed(work) -> tuple[float, float]:
    start, computed = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - start, time.thread_time() - computed


if __name__ == "__main__":
    main()
