import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from nearlabel.features.placement import Placement
from nearlabel.images.reading import UnreadableImageError, read_image
from nearlabel.images.scales import Scale
from nearlabel.production.labeller.reading import THUMBNAIL, draw_thumbnail, measure_grey, prepare_image

SCALE = Scale(bits=12)
PLACES = {"one": Placement("squash", 8), "two": Placement("tile", 16)}


def picture(width=40, height=20, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def saved(path, image, **options):
    image.save(path, **options)
    return path


def test_an_image_is_read_once_and_placed_for_each_encoder(tmp_path):
    path = saved(tmp_path / "a.png", picture())
    found = prepare_image(path, SCALE, PLACES)
    content = path.read_bytes()
    assert (found.path, found.sha256, found.bytes) == (str(path), hashlib.sha256(content).hexdigest(), len(content))
    assert (found.width, found.height, found.mode) == (40, 20, "RGB")
    for name, place in PLACES.items():
        assert np.array_equal(found.placed[name], place(read_image(path)))
    assert (found.brightness, found.contrast) == measure_grey(read_image(path))


def test_a_grey_picture_is_measured_and_shown_as_its_three_channels_are(tmp_path):
    path = saved(tmp_path / "a.jpg", picture(300, 200).convert("L"))
    found, image = prepare_image(path, SCALE, PLACES, shown=True), read_image(path)
    assert found.mode == "L" and (found.brightness, found.contrast) == measure_grey(image)
    assert found.thumbnail == draw_thumbnail(image) and prepare_image(path, SCALE, PLACES).thumbnail == b""
    Image.new("L", (8, 8), 255).save(tmp_path / "clear.png", transparency=255)
    # Transparent pixels lie over black.
    assert prepare_image(tmp_path / "clear.png", SCALE, PLACES).brightness == 0


def test_what_changes_while_it_is_read_cannot_part_the_hash_from_the_pixels(tmp_path, monkeypatch):
    path = saved(tmp_path / "a.png", picture())
    first = path.read_bytes()
    from nearlabel.images.reading import decode

    def decode_and_overwrite(*arguments, **options):
        found = decode(*arguments, **options)
        picture(seed=9).save(path)
        return found

    monkeypatch.setattr("nearlabel.images.reading.decode", decode_and_overwrite)
    assert prepare_image(path, SCALE, {}).sha256 == hashlib.sha256(first).hexdigest()


def test_an_image_lies_upright_as_in_a_data_set(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", picture(), exif=exif)
    found = prepare_image(path, SCALE, PLACES)
    assert (found.width, found.height) == (20, 40)
    assert np.array_equal(found.placed["one"], PLACES["one"](read_image(path)))


def test_values_of_more_than_8_bits_are_scaled_as_the_data_set_was(tmp_path):
    values = np.linspace(0, 4095, 800).reshape(20, 40).astype(np.uint16)
    path = saved(tmp_path / "deep.png", Image.fromarray(values))
    found = prepare_image(path, SCALE, PLACES)
    assert np.array_equal(found.placed["one"], PLACES["one"](read_image(path, full_range="4095")))
    assert found.mode == "I;16" and found.brightness == pytest.approx(0.5, abs=0.01)
    saved(path, Image.fromarray(values * 2))
    with pytest.raises(UnreadableImageError, match="outside the range from 0 to 4095"):
        prepare_image(path, SCALE, PLACES)


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "tif", "webp"])
def test_an_image_that_is_not_whole_is_refused(kind, tmp_path):
    path = saved(tmp_path / f"a.{kind}", picture(200, 100))
    content = path.read_bytes()
    for share in (0.3, 0.7, 0.97):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(UnreadableImageError):
            prepare_image(path, SCALE, PLACES)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.png", b"", "0 bytes"),
        ("notes.png", b"of the early shift", "not an image in a known format"),
        ("drawing.pdf", b"%PDF-1.4", "a PDF file, no image"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(name, content, said, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImageError, match=said):
        prepare_image(tmp_path / name, SCALE, PLACES)


def test_refused_as_in_a_data_set(tmp_path):
    with pytest.raises(UnreadableImageError, match="does not exist"):
        prepare_image(tmp_path / "gone.png", SCALE, PLACES)
    thin = saved(tmp_path / "thin.png", Image.new("L", (2100, 2)))
    with pytest.raises(UnreadableImageError, match="max_aspect"):
        prepare_image(thin, SCALE, {})
    strip = saved(tmp_path / "strip.png", Image.new("L", (900, 1)))
    tiles = Placement("tile", 512)
    with pytest.raises(UnreadableImageError, match=r"900 x 1 pixels would become .* by geometry 'tile'"):
        prepare_image(strip, SCALE, PLACES | {"three": tiles})
    with pytest.raises(UnreadableImageError, match="decompression bomb"):
        prepare_image(saved(tmp_path / "a.png", picture()), SCALE, PLACES, max_pixels=799)


def test_grey_is_measured_exactly():
    image = picture(31, 17)
    values = np.asarray(image.convert("L")) / 255
    assert measure_grey(image) == pytest.approx((values.mean(), values.std()), abs=1e-12)
    assert measure_grey(Image.new("RGB", (3, 3), "white")) == (1, 0)


@pytest.mark.parametrize(("width", "height", "wanted"), [(400, 100, (96, 24)), (50, 20, (50, 20)), (1, 5000, (1, 96))])
def test_a_thumbnail_keeps_the_shape(width, height, wanted):
    drawn = Image.open(io.BytesIO(draw_thumbnail(Image.new("RGB", (width, height), "grey"))))
    assert drawn.format == "WEBP" and drawn.size == wanted and max(drawn.size) <= THUMBNAIL
