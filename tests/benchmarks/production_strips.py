"""A bundle of synthetic strips labels 200 new ones, of which 20 are of a kind that it has never seen.

What it flags of them, and of the 180 others, at rates of false alarms of 1 % and 5 %, for each kind left out in turn,
so that no single one is picked. 1 % needs 99 held-out good images; the demo has about 36, so more strips are drawn.
Beside it the range in which false alarms of good strips lie, given as many held-out ones.

    python tests/benchmarks/production_strips.py [--count 800] [--encoder mobilenet_v2] [--contrast 1]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.grouping.models.pipelines import fit_reduction
from nearlabel.images.synthetic import DEFECTS, GOOD, draw_strip
from nearlabel.production.bundle.contents import Bundle, Calibration, NodeGroups, Reference
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.novelty.conformal import realised_range, require_rate
from nearlabel.production.novelty.distances import NearestReference, measure_novelty, novelty_features
from nearlabel.seeds import derive_seed

RATES = (0.01, 0.05)
HEIGHT, WIDTH = 64, 256
NEW, UNSEEN = 200, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=800, help="strips to learn from and to hold out")
    parser.add_argument("--encoder", default="mobilenet_v2")
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--contrast", type=float, default=1.0, help="of the defects; the demo's are 0.2")
    parser.add_argument("--neighbors", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    options = {"name": arguments.encoder, "image_size": arguments.image_size, "geometry": "squash"}
    if arguments.encoder != "texture":
        options["weights"] = "imagenet"
    encoder = build_encoder(**options, device="cpu")
    print(f"{arguments.count} strips, contrast {arguments.contrast:g}, {arguments.encoder}, {arguments.image_size} px")
    for left_out in DEFECTS:
        print(f"{left_out} never seen: {show(left_out, encoder, options, arguments)}", flush=True)


def show(left_out: str, encoder, options: dict, arguments) -> str:
    known = [kind for kind in DEFECTS if kind != left_out]
    kinds = [GOOD if number % 2 else known[number // 2 % len(known)] for number in range(arguments.count)]
    strips = draw(kinds, arguments.contrast, arguments.seed, f"learnt/{left_out}")
    new = [GOOD if number % 2 else known[number // 2 % len(known)] for number in range(NEW - UNSEEN)] + [
        left_out
    ] * UNSEEN
    with tempfile.TemporaryDirectory() as scratch:
        bundle = make_bundle(
            Path(scratch), np.array(kinds, dtype=object), strips, encoder, options, arguments.neighbors
        )
        labeller = Labeller(bundle, device="cpu", false_alarms=0.5)
        prepared = []
        for number, strip in enumerate(draw(new, arguments.contrast, arguments.seed, f"new/{left_out}")):
            path = Path(scratch, f"{number}.png")
            strip.save(path)
            prepared.append(labeller.prepare(path))
        said = []
        held_out = len(bundle.calibration.novelty)
        for rate in RATES:
            require_rate(rate, held_out)
            labeller.false_alarms = rate
            flags = np.array([one.novel for one in labeller.label(prepared)])
            kind = np.array(new)
            good, seen, unseen = kind == GOOD, (kind != GOOD) & (kind != left_out), kind == left_out
            low, high = realised_range(rate, held_out)
            said.append(
                f"at {rate:.0%} {flags[unseen].sum()} of {unseen.sum()} flagged, false alarms {flags[good].sum()} of "
                f"{good.sum()} good (range {100 * low:.1f} to {100 * high:.1f} %), {flags[seen].sum()} of "
                f"{seen.sum()} of known kinds"
            )
    return f"{held_out} held out; " + "; ".join(said)


def draw(kinds: list[str], contrast: float, seed: int, purpose: str) -> list[Image.Image]:
    drawn = []
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng(derive_seed(seed, f"production_strips/{purpose}/{number}"))
        drawn.append(Image.fromarray(draw_strip(kind, HEIGHT, WIDTH, rng, contrast)))
    return drawn


def make_bundle(folder: Path, kinds, strips, encoder, options: dict, neighbors: int) -> Bundle:
    """What `fit_bundle` makes, as far as novelty goes: 30 % held out, one group for each kind."""
    features = encode_images(encoder, [encoder.prepare(strip.convert("RGB")) for strip in strips], 1)
    held_out = np.arange(len(kinds)) % 10 >= 7
    learnt = np.flatnonzero(~held_out)
    reduction = fit_reduction(
        features[learnt].astype(float), {"method": "pca", "components": 50, "standardise": False}, 0, scale=False
    )
    reduced, names = reduction.transform(features[learnt].astype(float)), sorted(set(kinds))
    centres = np.stack([reduced[kinds[learnt] == name].mean(axis=0) for name in names])
    counts = np.array([(kinds[learnt] == name).sum() for name in names])
    reference = novelty_features(features[learnt])
    asked = novelty_features(features[held_out & (kinds == GOOD)])
    novelty = np.sort(measure_novelty(asked, NearestReference(reference), neighbors).scores)
    nothing = np.full(len(learnt), "", dtype=object)
    place = np.full((len(learnt), 2), np.nan, np.float32)
    ids = np.array([f"strip_{row}" for row in learnt], dtype=object)
    return Bundle(
        folder, 1, "", 
        {
            "encoders": {"root": {"options": options, "seed": None, "weights_sha256": encoder.weights_sha256}},
            "label_by": "", "coverage": 0.9, "false_alarms": 0.5,
        },
        {}, {"root": NodeGroups("root", "root", reduction, centres, counts, 1.0)},
        Reference(ids, nothing, kinds[learnt], nothing, reference, place, [b""] * len(learnt)),
        Calibration(novelty, neighbors, {}, np.zeros(len(novelty)), np.zeros(len(novelty))),
        None, {},
    )  # fmt: skip


if __name__ == "__main__":
    main()
