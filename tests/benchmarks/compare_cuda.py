"""Rows of `compare` on a GPU: extraction from decoded images beside bare forward passes, silhouettes beside the CPU."""

import tempfile
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import extraction
import numpy as np
import torch
from bare_forward import SEED, bare_on_cuda, draw_batch, own_side
from peers import take_turns
from silhouettes import draw_clusterings
from sklearn.datasets import make_blobs
from table import Row, Sizes
from threadpoolctl import threadpool_limits

from nearlabel.features.batches import padded
from nearlabel.features.devices import choose_batch_size
from nearlabel.features.encoders import build_encoder
from nearlabel.features.encoding.needs import count_cores
from nearlabel.features.encoding.streams import stream
from nearlabel.grouping.scores.silhouettes import silhouette_scores
from nearlabel.learning.data.arrays import open_arrays
from nearlabel.learning.data.decode import decode_images

NETWORKS = ("resnet18", "resnet50", "vgg16", "inception_v3", "efficientnet_b7")
# Images of a pass: 32 in float32; else as many as `auto` takes, 256 of 224 px, though no more.
BATCHES = {"float32": 32, "tf32": 256, "bfloat16": 256}
BARE_SHARE = 0.85


def encode_stored(encoder, values: np.ndarray, batch_size: int, passes: int) -> None:
    """Features of decoded images as they lie in their file, over and over, a pass at a time, as extraction has them."""
    starts = range(0, max(1, len(values) - batch_size + 1), batch_size)
    batches = (
        (torch.from_numpy(padded(values[start : start + batch_size], batch_size)).pin_memory(), None)
        for start in (starts[number % len(starts)] for number in range(passes))
    )
    for _ in stream(encoder.start, batches, encoder.device, batch_size):
        pass


def cuda_rows(sizes: Sizes, options: Namespace) -> Iterator[Row]:
    """What a card gives, at each precision."""
    if not torch.cuda.is_available():
        yield Row("features of decoded images on a GPU", "bare forward passes", [], None, why_not="no GPU here")
        yield Row("silhouettes on a GPU", "the same on the CPU", [], None, why_not="no GPU here")
        return
    card = torch.cuda.get_device_name()
    if options.root is None:
        yield Row("features of decoded images", "bare forward passes", [], None, why_not="no folder of images given")
    else:
        yield from _encoding_rows(sizes, options, card)
    yield _silhouette_row(sizes, options, card)


def _encoding_rows(sizes: Sizes, options: Namespace, card: str) -> Iterator[Row]:
    images = extraction.list_images(options.root, min(sizes.cuda_images, 512))
    for name in NETWORKS:
        side = own_side(name)
        network = {"name": name, "weights": "seeded", "geometry": "squash", "image_size": side}
        with tempfile.TemporaryDirectory() as folder:
            decode_images(images, network, Path(folder) / "images.h5", workers=count_cores())
            values = open_arrays(Path(folder) / "images.h5").values
            for precision, most in BATCHES.items():
                count = min(most, choose_batch_size("auto", torch.device("cuda"), side))
                passes = max(4, sizes.cuda_images // count)
                encoder = build_encoder(
                    name, "seeded", seed=SEED, geometry="squash", image_size=side, device="cuda", precision=precision
                )
                bare = bare_on_cuda(encoder.network, draw_batch(count, side, "cuda"), precision, passes)
                turns = {"ours": partial(encode_stored, encoder, values, count, passes), "theirs": bare}
                spent = take_turns(turns, options.repeats, warm_up=1)
                work = f"features of {passes * count} decoded images by {name}, {side} px, {precision}: {card}"
                peer = f"bare forward passes, the same precision and batches of {count}"
                yield Row(work, peer, *spent.values(), 1 / BARE_SHARE)


def _silhouette_row(sizes: Sizes, options: Namespace, card: str) -> Row:
    points, _ = make_blobs(sizes.cuda_points, 50, centers=12, cluster_std=4.0, random_state=SEED)
    clusterings, cores = draw_clusterings(points, nested=True, seed=SEED), count_cores()
    with threadpool_limits(1):
        turns = {
            "ours": lambda: silhouette_scores(points, clusterings, device="cuda"),
            "theirs": lambda: silhouette_scores(points, clusterings, threads=cores),
        }
        spent = take_turns(turns, options.repeats, warm_up=1)
    work = f"{len(clusterings)} exact silhouettes of {sizes.cuda_points} × 50: {card}"
    return Row(work, f"nearlabel on the CPU, {cores} threads", *spent.values())
