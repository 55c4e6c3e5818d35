"""Proposals of new groups: how often of good images flagged by chance alone, how soon of a kind never seen.

Run from the repository: ``python tests/benchmarks/proposals.py``. Strips are drawn; training images are good,
scratched and with inclusions, crazing was never seen; features are textures, reduced to 50 components. Of 6,000
further good strips those are novel that conformal p-values flag. A window is what is looked at: novel images, and
five times as many others, of which training images are those that the line has not made yet (``--line``). Goals:
without a new kind a proposal in at most 1 % of the windows; with 12 of a new kind in at least 95 %, of which at least
90 % are of it.
"""

import argparse

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.images.synthetic import draw_strip
from nearlabel.production.novelty.conformal import p_values
from nearlabel.production.novelty.distances import NearestReference, measure_novelty, novelty_features
from nearlabel.production.streaming.proposals import LEAST, group_novel

COUNTS = {"good": 6800, "scratches": 100, "inclusions": 100, "crazing": 100}
TRAINING = {"good": 500, "scratches": 100, "inclusions": 100}
HELD_OUT = 300


def draw(kind: str, count: int, encoder, rng: np.random.Generator) -> np.ndarray:
    """Features of strips of a kind."""
    images = (Image.fromarray(draw_strip(kind, 48, 96, rng)).convert("RGB") for _ in range(count))
    return encode_images(encoder, [encoder.prepare(image) for image in images], 1)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=300)
    parser.add_argument("--known", type=int, default=1000, help="images of a window that are not novel")
    parser.add_argument("--line", type=int, default=1000, help="of which the line has made so many, at most")
    parser.add_argument("--novel", type=int, default=200, help="and those that are, at most")
    options = parser.parse_args()
    encoder, rng = build_encoder("texture", image_size=32), np.random.default_rng(0)
    drawn = {kind: draw(kind, count, encoder, rng) for kind, count in COUNTS.items()}
    learnt = np.concatenate([drawn[kind][:count] for kind, count in TRAINING.items()])
    reference = NearestReference(novelty_features(learnt))

    def novelty(features: np.ndarray) -> np.ndarray:
        return measure_novelty(novelty_features(features), reference, 5).scores

    held_out, stream = np.split(drawn["good"][TRAINING["good"] :], [HELD_OUT])
    calibration = np.sort(novelty(held_out))
    p_good, p_new = p_values(novelty(stream), calibration), p_values(novelty(drawn["crazing"]), calibration)
    scaler = StandardScaler().fit(learnt.astype(float))
    reduction = PCA(50, svd_solver="full").fit(scaler.transform(learnt.astype(float)))
    good, new, trained = (
        reduction.transform(scaler.transform(rows.astype(float))) for rows in (stream, drawn["crazing"], learnt)
    )
    print("| false alarms | flagged good | of the new kind | images of it in the window | a proposal | of it |")
    print("|---|---|---|---|---|---|")
    for rate in (0.01, 0.05):
        flagged, known, kind = good[p_good <= rate], good[p_good > rate], new[p_new <= rate]
        for count in (0, 8, 12, 20):
            found, pure = [], []
            for window in range(options.windows):
                rng = np.random.default_rng(window)
                others = flagged[rng.permutation(len(flagged))[: options.novel - count]]
                novel = np.concatenate([kind[rng.permutation(len(kind))[:count]], others])
                made = known[rng.permutation(len(known))[: min(options.known, options.line)]]
                others = trained[rng.permutation(len(trained))[: options.known - len(made)]]
                groups = group_novel(novel, np.concatenate([made, others]), LEAST)
                found.append(bool(groups))
                pure += [float((rows < count).mean()) for rows, _ in groups]
            shares = f"{np.mean(p_good <= rate):.3f} | {np.mean(p_new <= rate):.2f}"
            of_it = f"{np.mean(pure):.2f}" if pure else ""
            print(f"| {rate:.0%} | {shares} | {count} | {np.mean(found):.3f} | {of_it} |", flush=True)


if __name__ == "__main__":
    main()
