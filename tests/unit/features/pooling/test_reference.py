import hashlib

import numpy as np
import pytest
import torch

from nearlabel.features.pooling.kept import KeptReference, Patches, Standard
from nearlabel.features.pooling.positions import border_classes
from nearlabel.features.pooling.reference import PATCHES_KEPT, Reference, choose_reference, choose_share

KEYS = [hashlib.sha256(bytes([i])).hexdigest() for i in range(200)]


def image(seed, grid=(6, 6), channels=5, shift=0.0):
    values = torch.from_numpy(np.random.default_rng(seed).normal(shift, 1, (grid[0] * grid[1], channels))).float()
    return Patches(values, torch.from_numpy(border_classes(*grid)), values.mean(0))


def test_one_more_image_rarely_changes_the_choice():
    chosen = choose_reference(KEYS, 20, 3)
    assert len(set(chosen)) == 20 and choose_reference(KEYS[::-1] + KEYS, 20, 3) == chosen
    assert choose_reference(KEYS, 20, 4) != chosen
    changed = sum(choose_reference([k for k in KEYS if k != out], 20, 3) != chosen for out in KEYS)
    assert changed == 20  # of 200: only those that are in it
    assert sorted(choose_reference(KEYS[:5], 20, 3)) == sorted(KEYS[:5])


def test_novelty_is_the_mean_of_smallest_distances_over_the_other_images():
    images = [image(i) for i in range(7)]
    reference = Reference(KEYS[:7], images, 0)
    classes = images[0].classes
    standard = Standard.of(torch.cat([one.values for one in images]), classes.repeat(7))
    values = [standard(one.values, classes) for one in images]
    expected = [
        torch.stack([torch.cdist(mine, other).amin(1) for j, other in enumerate(values) if j != i]).mean(0)
        for i, mine in enumerate(values)
    ]
    usual = Standard.of(torch.cat(expected), classes.repeat(7))
    for i, one in enumerate(images):
        found_values, novelty = reference.kept.assess(one, KEYS[i])
        torch.testing.assert_close(found_values, values[i])
        torch.testing.assert_close(novelty, usual(expected[i], classes), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(novelty, reference.novelties[i])
    # A stranger is held against all of them.
    stranger = image(99)
    against = torch.stack([torch.cdist(standard(stranger.values, classes), other).amin(1) for other in values]).mean(0)
    torch.testing.assert_close(
        reference.kept.assess(stranger, KEYS[50])[1], usual(against, classes), atol=1e-4, rtol=1e-4
    )


def test_a_planted_odd_patch_is_the_most_novel_in_the_middle_and_at_the_border():
    reference = Reference(KEYS[:12], [image(i) for i in range(12)], 0)
    for odd in (14, 0):
        marred = image(77)
        marred.values[odd] += 8
        assert int(reference.kept.assess(marred, KEYS[60])[1].argmax()) == odd


def test_a_border_that_varies_more_in_all_images_is_not_novel():
    def framed(seed):
        one = image(seed, (10, 10))
        edge = one.classes % 4 == 0
        one.values[edge] = one.values[edge] * 10 + 30
        return one

    reference = Reference(KEYS[:20], [framed(i) for i in range(20)], 0)
    one = framed(50)
    novelty = reference.kept.assess(one, KEYS[70])[1]
    edge = one.classes % 4 == 0
    assert abs(float(novelty[edge].mean() - novelty[~edge].mean())) < 0.6


def test_large_images_are_thinned_out_and_many_channels_projected():
    images = [image(i, (20, 30), 300) for i in range(4)]
    reference = Reference(KEYS[:4], images, 0)
    assert reference.kept.bank.rows.shape == (4, PATCHES_KEPT, 129)
    for _, classes in reference.images:
        assert int(torch.bincount(classes, minlength=16).min()) >= 4
    values, novelty = reference.kept.assess(images[0], KEYS[0])
    assert values.shape == (600, 300) and novelty.shape == (600,)
    again = Reference(KEYS[:4], images, 0).kept.assess(images[0], KEYS[0])[1]
    assert torch.equal(novelty, again)


def test_images_of_unlike_grids():
    images = [image(i, grid) for i, grid in enumerate([(2, 2), (6, 9), (8, 8)])]
    reference = Reference(KEYS[:3], images, 0)
    for one, key in zip(images, KEYS, strict=False):
        assert torch.isfinite(reference.kept.assess(one, key)[1]).all()


def test_a_lonely_or_constant_image_is_not_novel():
    alone = Reference(KEYS[:1], [image(0)], 0)
    assert torch.equal(alone.kept.assess(image(0), KEYS[0])[1], torch.zeros(36))
    flat = [Patches(torch.ones(36, 5), image(0).classes, torch.ones(5)) for _ in range(3)]
    assert float(Reference(KEYS[:3], flat, 0).kept.assess(flat[0], KEYS[0])[1].abs().max()) < 1e-3


@pytest.mark.parametrize(("between", "share"), [(0.0, 1.0), (0.2, 1.0), (0.275, 0.5), (0.35, 0.0), (0.9, 0.0)])
def test_the_share_follows_the_variance_between_images(between, share):
    assert choose_share(between) == pytest.approx(share)


def test_images_that_differ_all_over_are_told_from_those_that_do_not():
    alike = Reference(KEYS[:30], [image(i) for i in range(30)], 0)
    filling = Reference(KEYS[:30], [image(i, shift=3 * (i % 3)) for i in range(30)], 0)
    assert alike.between_share() < 0.1 and filling.between_share() > 0.6


def kept(channels, count=5):
    images = [image(i, grid, channels) for i, grid in zip(range(count), [(6, 6), (4, 9), (20, 30)] * 2, strict=False)]
    return images, Reference(KEYS[:count], images, 0).kept


@pytest.mark.parametrize("channels", [5, 300])
def test_arrays_make_the_same_again_to_the_last_bit(channels):
    images, first = kept(channels)
    arrays = first.to_arrays()
    again = KeptReference.from_arrays(arrays, channels, torch.device("cpu"))
    # Compared in at most 128 dimensions, and at most 196 patches of an image.
    assert arrays["patches"].shape == (36 + 36 + 196 + 36 + 36, min(channels, 128)) and arrays["keys"].dtype == "S64"
    assert ("projection" in arrays) == (channels == 300)
    for one, key in [(images[0], KEYS[0]), (images[2], KEYS[2]), (image(9, (6, 6), channels), KEYS[9])]:
        for was, now in zip(first.assess(one, key), again.assess(one, key), strict=True):
            assert torch.equal(was, now)
    # Whose it is counts: without its own patches, an image is more novel.
    own, stranger = (again.assess(images[0], key)[1] for key in (KEYS[0], KEYS[9]))
    assert float((own - stranger).min()) > 0


@pytest.mark.parametrize("name", ["keys", "counts", "patches", "mean", "deviation", "usual_mean", "projection"])
def test_arrays_that_do_not_fit_are_named(name):
    arrays = kept(300)[1].to_arrays()
    lacking = {key: values for key, values in arrays.items() if key != name}
    texts = arrays | {name: arrays[name].astype("U")}
    for wrong in (lacking, texts, arrays | {name: arrays[name][:-1]}):
        with pytest.raises(ValueError, match="the reference set has no "):
            KeptReference.from_arrays(wrong, 300, torch.device("cpu"))
    with pytest.raises(ValueError, match="the reference set has no mean that fits the network"):
        KeptReference.from_arrays(arrays, 301, torch.device("cpu"))
