import numpy as np
import pytest
from PIL import Image, ImageEnhance

from nearlabel.images.duplicates.hashes import Hashes, hash_images, orient, perceptual_hash, read_hashes, write_hashes

ROWS, COLUMNS = np.mgrid[0:90, 0:160]
WAVES = 127 + 60 * np.sin(COLUMNS / 11 + ROWS / 23) + 50 * np.cos(ROWS / 7 - COLUMNS / 31)
BLOB = 40 + 180 * np.exp(-(((ROWS - 30) / 20) ** 2) - ((COLUMNS - 110) / 35) ** 2)


def picture(values):
    return Image.fromarray(np.rint(np.clip(values, 0, 255)).astype(np.uint8))


def difference(a, b):
    return (perceptual_hash(a)[0][0] ^ perceptual_hash(b)[0][0]).bit_count()


@pytest.mark.parametrize(
    ("values", "expected"),
    [(WAVES, 0xADF852C26A379037), (BLOB, 0x979768686895966E), (COLUMNS * 1.5, 0x8000000000000000)],
)
def test_upright_hashes_are_those_of_imagehash(values, expected):
    # From imagehash.phash, version 4.3.2.
    hashes, flat = perceptual_hash(picture(values))
    assert (hashes[0], flat) == (expected, False)


def test_near_duplicates_are_near_and_other_images_far(tmp_path):
    original = picture(WAVES).convert("RGB")
    original.save(tmp_path / "coarse.jpg", quality=40)
    assert difference(original, Image.open(tmp_path / "coarse.jpg")) <= 4
    assert difference(original, ImageEnhance.Brightness(original).enhance(0.8)) <= 4
    assert difference(original, original.resize((320, 180))) <= 4
    assert difference(original, original.crop((1, 1, 159, 89))) <= 4
    assert difference(original, picture(BLOB)) > 16
    assert difference(original, original.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) > 16


def test_the_hash_of_an_orientation_is_that_of_the_image_so_laid():
    square = WAVES[:, :90]
    hashes = perceptual_hash(picture(square))[0]
    assert len(set(hashes)) == 8
    for orientation, value in enumerate(hashes):
        laid = perceptual_hash(picture(orient(square, orientation)))[0][0]
        assert (laid ^ value).bit_count() <= 1
    corners = np.array([[1, 2], [3, 4]])
    assert len({orient(corners, orientation).tobytes() for orientation in range(8)}) == 8


def test_flat_images_are_told_from_faint_ones():
    grain = np.random.default_rng(0).integers(0, 2, (200, 200))
    for values in (np.zeros((50, 40)), np.full((50, 40), 77), np.full((50, 40), 255), 100 + grain * 0.9):
        assert perceptual_hash(picture(values))[1]
    assert not perceptual_hash(picture(100 + BLOB / 60))[1]


@pytest.fixture
def paths(tmp_path):
    images = [picture(WAVES), picture(BLOB), picture(np.full((9, 9), 5))]
    paths = [tmp_path / f"{i} ü'.png" for i in range(3)]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    return paths


def test_files_are_hashed_in_order_by_any_number_of_workers(paths):
    one, two = hash_images(paths, 1), hash_images(paths, 2)
    assert one.values.dtype == np.uint64
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert one.values.tolist() == [perceptual_hash(Image.open(path))[0] for path in paths]
    assert one.flat.tolist() == [False, False, True]
    assert (one.thumbnails[2] == 5).all()
    paths[1].write_bytes(b"")
    with pytest.raises(ValueError, match=r"1 ü'\.png: the file is empty .* check them again"):
        hash_images(paths)


def test_written_and_read_again_in_any_order(paths, tmp_path):
    hashes, file = hash_images(paths), tmp_path / "hashes.h5"
    names = ["ü\n", "b", "c"]
    write_hashes(file, names, hashes)
    before = file.read_bytes()
    write_hashes(file, names, hashes)
    assert file.read_bytes() == before
    again = read_hashes(file, ["c", "ü\n"])
    assert isinstance(again, Hashes)
    assert all(np.array_equal(a, b[[2, 0]]) for a, b in zip(again, hashes, strict=True))
    with pytest.raises(ValueError, match="no hash of image 'd'; make it again"):
        read_hashes(file, ["b", "d"])
    with pytest.raises(FileNotFoundError, match="absent"):
        read_hashes(tmp_path / "absent", [])


def test_images_of_more_bits_are_scaled_as_their_table_says(tmp_path):
    shallow = picture(WAVES)
    shallow.save(tmp_path / "8.png")
    deep = np.rint(np.asarray(shallow) * (4095 / 255)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "12.png")
    Image.fromarray(deep // 100).save(tmp_path / "dark.png")
    files = [tmp_path / "12.png", tmp_path / "8.png", tmp_path / "dark.png"]
    found = hash_images(files, full_ranges=["4095", "", "65535"])
    assert found.values[:2].tolist() == [perceptual_hash(shallow)[0]] * 2
    assert found.flat.tolist() == [False, False, True]
