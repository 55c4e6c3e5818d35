import pytest

from nearlabel.images.naming.words import unmasked


@pytest.mark.parametrize(
    ("stem", "image"),
    [
        ("000_mask", "000"),
        ("test/a/000_masks", "test/a/000"),
        ("10301_GT", "10301"),
        ("Part3_label", "Part3"),
        ("img-ground_truth", "img"),
        ("a b seg", "a b"),
        ("unmask", ""),
        ("mask", ""),
        ("weight", ""),
        ("gasket", ""),
        ("masks/000", ""),
    ],
)
def test_masks_by_name(stem, image):
    assert unmasked(stem) == image
