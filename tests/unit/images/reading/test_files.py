"""Files that are no ordinary ones: vast, special, changed, of unstated range."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers.places import LIBRARY
from nearlabel.images.reading import ChangedImageError, UnreadableImageError, inspect_image, read_image


def reason(path, **arguments):
    with pytest.raises(UnreadableImageError) as error:
        inspect_image(path, **arguments)
    return str(error.value)


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "gif", "webp"])
def test_a_file_of_20_gb_is_refused_unread(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if suffix != "tif":
        Image.new("RGB", (9, 9)).save(path)
    os.truncate(path, 20 << 30) if path.exists() else path.open("wb").truncate(20 << 30)
    assert reason(path) == "the file has 21474836480 bytes, above the limit of 2863311520 for max_pixels = 178956970"
    assert "above the limit of 67108864 for max_pixels = 1000" in reason(path, max_pixels=1000)


def test_a_large_file_that_is_no_image_takes_no_memory(tmp_path):
    """Below the limit, a file is not held but for what a decoder asks of it."""
    for name in ("a.tif", "a.jpg", "a.webp"):
        if name != "a.tif":
            Image.new("RGB", (9, 9)).save(tmp_path / name)
        with open(tmp_path / name, "ab") as file:
            file.truncate(2 << 30)
    code = (
        "import resource, sys; from nearlabel.images.reading import inspect_image, UnreadableImageError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.argv[1:]:\n"
        "    try: inspect_image(path); print('read')\n"
        "    except UnreadableImageError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    command = [sys.executable, "-c", code, *(tmp_path / name for name in ("a.tif", "a.jpg", "a.webp"))]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(LIBRARY.parent)})
    *reasons, kib = done.stdout.splitlines()
    assert "zeros only" in reasons[0] and "more than an image of 9 x 9 pixels can need" in reasons[1]
    assert reasons[2] == "a WebP file of 2147483648 bytes, above the limit of 268435456"
    assert int(kib) < 100_000


def test_special_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    os.symlink("/dev/zero", tmp_path / "zero.png")
    assert reason(tmp_path / "pipe.png") == reason(tmp_path / "zero.png") == "not a regular file"


def test_a_changed_file_is_named_as_such(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (4, 3), 9).save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_image(path, sha256=digest).size == (4, 3)
    Image.new("L", (4, 3), 10).save(path)
    with pytest.raises(ChangedImageError):
        read_image(path, sha256=digest)


def test_facts_of_samples(tmp_path):
    Image.fromarray(np.array([[7, 4095]], np.uint16)).save(tmp_path / "a.png")
    facts = inspect_image(tmp_path / "a.png")
    assert (facts.bits, facts.values, facts.full_range, facts.grey) == (16, (7, 4095), None, True)
    assert read_image(tmp_path / "a.png", full_range="4095").getpixel((1, 0)) == (255, 255, 255)
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 1023\n\0\7\3\xff")
    facts = inspect_image(tmp_path / "a.pgm")
    assert (facts.bits, facts.values, facts.full_range) == (10, (7, 1023), "1023")
    Image.fromarray(np.array([[-1.5, 2]], np.float32)).save(tmp_path / "a.tif")
    facts = inspect_image(tmp_path / "a.tif")
    assert (facts.bits, facts.values, facts.full_range) == (32, (-1.5, 2.0), None)
    assert read_image(tmp_path / "a.tif", full_range="-2:2").getpixel((0, 0)) == (32, 32, 32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers(tmp_path, value):
    Image.fromarray(np.array([[0.5, value, value]], np.float32)).save(tmp_path / "a.tif")
    assert reason(tmp_path / "a.tif") == "floating-point values of which 2 are infinite or no numbers (NaN)"


def test_grey_images_saved_as_colours(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (9, 9, 1), dtype=np.uint8).repeat(3, 2)
    colours = grey.copy()
    colours[4, 4] = colours[4, 4, 0], colours[4, 4, 0] // 2, 255 - colours[4, 4, 0] // 3
    for name, pixels, is_grey in (("grey", grey, True), ("colours", colours, False)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        assert inspect_image(tmp_path / f"{name}.png").grey is is_grey


@pytest.mark.parametrize("text", ["", "x", "5:1", "0", "nan", "1:inf"])
def test_ranges_that_are_none(tmp_path, text):
    Image.fromarray(np.array([[7, 4095]], np.uint16)).save(tmp_path / "a.png")
    if text:
        with pytest.raises(ValueError, match="is no range"):
            read_image(tmp_path / "a.png", full_range=text)
    else:
        assert read_image(tmp_path / "a.png", full_range=text).getpixel((1, 0)) == (16, 16, 16)
