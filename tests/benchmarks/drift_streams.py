"""Alarms of drift: how often on streams without a change, how soon after a change of brightness.

Run from the repository: ``python tests/benchmarks/drift_streams.py ../magnetic_tile``. Images are good
magnetic tiles (features of mobilenet_v2 at 128 pixels; 350 are training images, the others are drawn from with
replacement) and drawn strips (texture; 600). Each stream draws its own baseline, held-out images and, for light alone,
training images; then its images; after some of them grey values are multiplied by 1.1 or 0.9. Goals: of 200 streams of
5,000 without a change at most α + 3 standard deviations ever give an alarm; a change is found within 300 images in at
least 90 %.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.images.synthetic import draw_strip
from nearlabel.production.drift.monitor import DriftMonitor
from nearlabel.production.labeller.reading import measure_grey
from nearlabel.production.novelty.distances import NearestReference, measure_novelty, novelty_features

STATISTICS = ("novelty", "brightness", "contrast")
GAINS = (1.0, 1.1, 0.9)
ALPHAS = (0.05, 0.01)
TRAINING, NEIGHBORS = 350, 5
AFTER = 300


def measure(images: list[Image.Image], options: dict) -> dict[float, np.ndarray]:
    """Statistics of the images that are not training images, as they are, brighter and darker: gain → (n, 3)."""
    encoder = build_encoder(**options)
    order = np.random.default_rng(0).permutation(len(images))
    found, reference = {}, None
    for gain in GAINS:
        chosen = [images[row].point(lambda value, gain=gain: min(255, round(value * gain))) for row in order]
        prepared = [encoder.prepare(image) for image in chosen]
        features = novelty_features(encode_images(encoder, prepared, 32))
        if reference is None:
            reference = NearestReference(features[:TRAINING])
        novelty = measure_novelty(features[TRAINING:], reference, NEIGHBORS).scores
        found[gain] = np.column_stack([novelty, [measure_grey(image) for image in chosen[TRAINING:]]])
    return found


def first_alarms(
    values: dict[float, np.ndarray], gain: float, known: tuple[int, int], before: int, after: int, seed: int
) -> dict[float, int | None]:
    """Places of the first alarm at each alpha, in a stream that changes after `before` images; None without one."""
    rng = np.random.default_rng(seed)
    own, changed = values[1.0], values[gain]
    baseline = own[rng.integers(len(own), size=sum(known))]
    novelty, light = baseline[: known[0], 0], baseline[:, 1:]
    rows = np.concatenate([own[rng.integers(len(own), size=before)], changed[rng.integers(len(changed), size=after)]])
    monitor = DriftMonitor(dict(zip(STATISTICS, (novelty, *light.T), strict=True)), alpha=min(ALPHAS))
    found: dict[float, int | None] = dict.fromkeys(ALPHAS)
    for place, row in enumerate(rows.tolist()):
        name = f"{seed}/{place}"
        alarm = monitor.add(dict(zip(STATISTICS, row, strict=True)), part=name, sha256=name, label_id=place)
        if alarm or (found[max(ALPHAS)] is None and monitor.capital >= 1 / max(ALPHAS)):
            found[max(ALPHAS)] = place if found[max(ALPHAS)] is None else found[max(ALPHAS)]
        if alarm:
            found[min(ALPHAS)] = place
            break
    return found


def report(name: str, values: dict[float, np.ndarray], streams: int, length: int, known: tuple[int, int]) -> None:
    """Print how streams of one data set fare."""
    own = values[1.0]
    for gain in GAINS[1:]:
        moved = [(values[gain][:, j].mean() - own[:, j].mean()) / own[:, j].std() for j in range(3)]
        said = ", ".join(f"{what} {much:+.2f}" for what, much in zip(STATISTICS, moved, strict=True))
        print(f"{name}: grey × {gain} moves, in standard deviations: {said}")
    found = [first_alarms(values, 1.0, known, length, 0, seed) for seed in range(streams)]
    for alpha in ALPHAS:
        share = np.mean([one[alpha] is not None for one in found])
        limit = alpha + 3 * np.sqrt(alpha * (1 - alpha) / streams)
        print(
            f"{name}: no change, {streams} streams of {length}, α {alpha}: alarm ever {share:.3f} (goal ≤ {limit:.3f})"
        )
    print(f"| {name}: images before | gain | α | found within {AFTER} | median of images |\n|{'---|' * 5}")
    for before in (0, 100, 300, 1000, 3000):
        for gain in GAINS[1:]:
            found = [first_alarms(values, gain, known, before, AFTER, 10_000 + seed) for seed in range(streams)]
            for alpha in ALPHAS:
                # An alarm before the change is a false one, and begins the watch anew.
                places = [one[alpha] for one in found if one[alpha] is None or one[alpha] >= before]
                late = [AFTER if place is None else place - before for place in places]
                share = np.mean([place is not None for place in places])
                print(f"| {before} | {gain} | {alpha} | {share:.2f} | {np.median(late):.0f} |", flush=True)


def main() -> None:
    """Print alarms of both data sets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of the magnetic tile data set")
    parser.add_argument("--sets", nargs="+", choices=("tiles", "strips"), default=["tiles", "strips"])
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--length", type=int, default=5000)
    parser.add_argument("--held-out", type=int, default=280)
    parser.add_argument("--learnt", type=int, default=670, help="good training images")
    parser.add_argument("--weights", default="imagenet", help="of mobilenet_v2, as in a config; a file, offline")
    options = parser.parse_args()
    tiles = [Image.open(path).convert("RGB") for path in sorted(options.root.glob("MT_Free/Imgs/*.jpg"))]
    network = {"name": "mobilenet_v2", "weights": options.weights, "image_size": 128, "device": "cpu"}
    rng = np.random.default_rng(1)
    strips = [Image.fromarray(draw_strip("good", 64, 128, rng)).convert("RGB") for _ in range(600 + TRAINING)]
    sets = {"tiles": (tiles, network), "strips": (strips, {"name": "texture", "image_size": 64})}
    for name in options.sets:
        images, encoder = sets[name]
        started = time.perf_counter()
        report(name, measure(images, encoder), options.streams, options.length, (options.held_out, options.learnt))
        print(f"{name}: {time.perf_counter() - started:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
