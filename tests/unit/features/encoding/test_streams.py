import numpy as np
import pytest
import torch

from nearlabel.features.batches import encode_images
from nearlabel.features.encoders import build_encoder
from nearlabel.features.encoding.loading import ListedBatches, load_batches
from nearlabel.features.encoding.streams import stream

CPU = torch.device("cpu")


def test_each_batch_comes_back_whole_and_in_order_one_later():
    started, given = [], []

    def start(images):
        assert len(images) == 4
        started.append(len(started))
        return images * 2

    def batches():
        for number, size in enumerate([9, 4, 1]):
            given.append(number)
            yield torch.full((size, 3), number), f"batch {number}"

    found = stream(start, batches(), CPU, 4)
    values, tag = next(found)
    assert tag == "batch 0" and given == [0, 1] and len(started) == 4  # three passes, and the next batch's
    np.testing.assert_array_equal(values, np.zeros((9, 3)))
    rest = list(found)
    assert [(tag, len(values), set(values.ravel())) for values, tag in rest] == [
        ("batch 1", 4, {2}),
        ("batch 2", 1, {4}),
    ]


def test_no_batch_is_nothing():
    assert list(stream(lambda images: images, [], CPU, 4)) == []


@pytest.mark.parametrize("geometry", ["squash", "tile"])
@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_features_are_those_of_encode_images(tmp_path, drawn_images, geometry, workers):
    encoder = build_encoder("resnet18", "seeded", geometry=geometry, image_size=32, seed=1, device="cpu")
    batches = ListedBatches(encoder, drawn_images, 3)
    streamed = stream(encoder.start, load_batches(batches, workers, pin=False), CPU, 4)
    for number, (features, counts) in enumerate(streamed):
        prepared = batches.prepare(number)
        assert counts == [len(image) for image in prepared]
        rows = np.split(features, np.cumsum(counts)[:-1])
        np.testing.assert_array_equal(np.stack([one.mean(0) for one in rows]), encode_images(encoder, prepared, 4))
    assert number == 2


def test_an_image_that_cannot_be_read_is_named(drawn_images):
    encoder = build_encoder("resnet18", "seeded", image_size=32, seed=1, device="cpu")
    gone = drawn_images.assign(path=drawn_images["path"].where(drawn_images.index != 4, "gone.png"))
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        list(load_batches(ListedBatches(encoder, gone, 3), 1, pin=False))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_a_card_gives_the_same_bytes_streamed_or_not(drawn_images, precision):
    encoder = build_encoder("resnet18", "seeded", image_size=64, seed=1, device="cuda", precision=precision)
    batches = ListedBatches(encoder, drawn_images, 3)
    streamed = stream(encoder.start, load_batches(batches, 1, pin=True), encoder.device, 4)
    for number, (features, _) in enumerate(streamed):
        np.testing.assert_array_equal(features, encode_images(encoder, batches.prepare(number), 4))
