"""Which encoders hold as ONNX: exports each, and prints the largest difference of its features.

Seeded weights by default, as the published ones of most are no part of a package; what is compared is arithmetic. The
four networks that the papers name, unless others are.

    python tests/benchmarks/onnx_encoders.py [efficientnet_b7 inception_v3 resnet50 vgg16 mobilenet_v2]
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.bundles import make_bundle
from nearlabel.features.encoders import build_encoder
from nearlabel.production.bundle.onnx import PARITY, export_encoder

PAPERS = ["efficientnet_b7", "inception_v3", "resnet50", "vgg16"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=PAPERS)
    parser.add_argument("--weights", default="seeded", help="imagenet, where they are found")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundle = make_bundle(Path(folder))
        for network in arguments.networks:
            options = {"name": network, "weights": arguments.weights, "geometry": "squash"}
            sha256 = build_encoder(**options, seed=0, device="cpu").weights_sha256
            bundle.facts["encoders"] = {network: {"options": options, "seed": 0, "weights_sha256": sha256}}
            start = time.monotonic()
            try:
                said = export_encoder(bundle, Path(folder, f"{network}.onnx"), network)
                told = (
                    f"differs by {said['parity']:.1e} of the largest feature (allowed: {PARITY:g}) on {said['images']}"
                )
                told += f" images, {said['bytes'] / 1e6:.0f} MB"
            except ValueError as error:
                told = str(error)
            print(f"{network}: {told}, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
