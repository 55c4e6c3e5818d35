import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from nearlabel.images.reading import UnreadableImageError, inspect_image, read_image

RAMP = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(1, 256).repeat(4, 0)


def read_array(path, **arguments):
    image = read_image(path, **arguments)
    assert image.mode == "RGB"
    return np.asarray(image)


def grey(values):
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


def pattern(height=24, width=40):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def reason(path, **arguments):
    with pytest.raises(UnreadableImageError) as error:
        read_image(path, **arguments)
    return str(error.value)


def test_grey_is_repeated(tmp_path):
    Image.fromarray(pattern()[..., 0]).save(tmp_path / "a.png")
    assert (read_array(tmp_path / "a.png") == grey(pattern()[..., 0])).all()


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_is_scaled_by_the_full_range(tmp_path, suffix):
    Image.fromarray(RAMP).save(tmp_path / f"a.{suffix}")
    assert inspect_image(tmp_path / f"a.{suffix}").mode.startswith("I")
    assert (read_array(tmp_path / f"a.{suffix}") == grey(np.arange(256)[None].repeat(4, 0))).all()


def test_16_bit_is_not_stretched(tmp_path):
    Image.fromarray(np.full((4, 4), 12850, np.uint16)).save(tmp_path / "a.png")
    assert (read_array(tmp_path / "a.png") == 50).all()


def test_big_endian_16_bit_tiff(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(tmp_path / "a.tif", RAMP, byteorder=">")
    assert (read_array(tmp_path / "a.tif") == grey(np.arange(256)[None].repeat(4, 0))).all()


def test_12_bit_tiff_is_scaled_by_4095(tmp_path):
    # Three bytes hold two samples.
    samples = np.linspace(0, 4095, 16).astype(int)
    packed = b"".join(
        bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
        for first, second in samples.reshape(-1, 2).tolist()
    )
    entries = [
        (256, 16),  # ImageWidth
        (257, 1),  # ImageLength
        (258, 12),  # BitsPerSample
        (259, 1),  # Compression: none
        (262, 1),  # PhotometricInterpretation: black is zero
        (273, 8),  # StripOffsets
        (277, 1),  # SamplesPerPixel
        (278, 1),  # RowsPerStrip
        (279, len(packed)),  # StripByteCounts
    ]
    directory = struct.pack("<H", len(entries))
    directory += b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in entries)
    header = struct.pack("<2sHI", b"II", 42, 8 + len(packed))
    (tmp_path / "a.tif").write_bytes(header + packed + directory + struct.pack("<I", 0))
    assert (read_array(tmp_path / "a.tif") == grey([np.rint(samples / 4095 * 255)])).all()


@pytest.mark.parametrize("full", [1, 255, 65535])
def test_floats_are_scaled_by_the_range_that_holds_them(tmp_path, full):
    Image.fromarray(np.array([[0, 0.6 * full, full]], np.float32)).save(tmp_path / "a.tif")
    assert read_array(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 153, 255]


@pytest.mark.parametrize("value", [-1.0, 1e6, np.nan, np.inf])
def test_floats_of_unknown_range_are_refused(tmp_path, value):
    Image.fromarray(np.array([[0.5, value]], np.float32)).save(tmp_path / "a.tif")
    assert "floating-point values" in reason(tmp_path / "a.tif")


def test_32_bit_integers_of_unknown_range_are_refused(tmp_path):
    Image.fromarray(np.array([[5, 70000]], np.int32)).save(tmp_path / "a.tif")
    assert "integer values from 5 to 70000" in reason(tmp_path / "a.tif")


def test_transparent_pixels_lie_over_black(tmp_path):
    pixels = np.full((1, 3, 4), 200, np.uint8)
    pixels[0, :, 3] = 255, 0, 128
    Image.fromarray(pixels).save(tmp_path / "rgba.png")
    assert read_array(tmp_path / "rgba.png")[0, :, 0].tolist() == [200, 0, 100]
    Image.fromarray(pixels[..., 2:]).save(tmp_path / "la.png")
    assert inspect_image(tmp_path / "la.png").mode == "LA"
    assert read_array(tmp_path / "la.png")[0, :, 0].tolist() == [200, 0, 100]


def test_opaque_alpha_changes_nothing(tmp_path):
    pixels = np.dstack([pattern(), np.full((24, 40), 255, np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert (read_array(tmp_path / "a.png") == pattern()).all()


def test_palette(tmp_path):
    image = Image.new("P", (3, 1))
    image.putdata([0, 1, 2])
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(tmp_path / "a.png")
    assert inspect_image(tmp_path / "a.png").mode == "P"
    assert read_array(tmp_path / "a.png").tolist() == [[[10, 20, 30], [40, 50, 60], [70, 80, 90]]]
    image.save(tmp_path / "transparent.png", transparency=1)
    assert read_array(tmp_path / "transparent.png").tolist() == [[[10, 20, 30], [0, 0, 0], [70, 80, 90]]]


def test_cmyk(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=100)
    assert inspect_image(tmp_path / "a.jpg").mode == "CMYK"
    assert np.abs(read_array(tmp_path / "a.jpg").astype(int) - [255, 0, 0]).max() <= 3


def test_one_bit(tmp_path):
    Image.fromarray(np.array([[True, False]])).save(tmp_path / "a.png")
    assert inspect_image(tmp_path / "a.png").mode == "1"
    assert read_array(tmp_path / "a.png")[0, :, 0].tolist() == [255, 0]


def test_lab(tmp_path):
    Image.new("LAB", (4, 4), (128, 128, 128)).save(tmp_path / "a.tif")
    assert inspect_image(tmp_path / "a.tif").mode == "LAB"
    assert np.ptp(read_array(tmp_path / "a.tif")) <= 8


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize(
    ("orientation", "undo"), [(3, lambda a: a[::-1, ::-1]), (6, lambda a: np.rot90(a)), (8, lambda a: np.rot90(a, -1))]
)
def test_exif_orientation_is_applied(tmp_path, suffix, orientation, undo):
    upright = np.zeros((16, 48, 3), np.uint8)
    upright[:8, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    Image.fromarray(np.ascontiguousarray(undo(upright))).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    read = read_array(tmp_path / f"a.{suffix}")
    assert read.shape == upright.shape
    assert np.abs(read.astype(int) - upright).max() <= 10
    facts = inspect_image(tmp_path / f"a.{suffix}")
    assert (facts.width, facts.height) == (48, 16)


def test_16_bit_with_orientation(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(RAMP).save(tmp_path / "a.png", exif=exif)
    assert read_array(tmp_path / "a.png")[0, :, 0].tolist() == list(range(255, -1, -1))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_leaves_the_image_as_it_is(tmp_path):
    Image.fromarray(pattern()).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09broken")
    assert (read_array(tmp_path / "a.png") == pattern()).all()


def test_first_frame_is_read(tmp_path):
    frames = [Image.new("L", (6, 5), value) for value in (10, 200)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    assert inspect_image(tmp_path / "a.tif").frames == 2
    assert (read_array(tmp_path / "a.tif") == 10).all()


def test_empty_file(tmp_path):
    (tmp_path / "a.png").touch()
    assert reason(tmp_path / "a.png") == "the file is empty (0 bytes)"


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp", "webp", "jp2", "gif", "ppm"])
def test_truncated_file(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pattern(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "truncated" in reason(path) or "damaged" in reason(path)


@pytest.mark.parametrize(
    "content", [b"Thumbs", b"%PDF-1.7\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n" + b"x" * 50]
)
def test_not_an_image(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    beginnings = ("not an image", "damaged image header", "a PDF file", "a vector drawing")
    assert reason(tmp_path / "a.png").startswith(beginnings)


def test_decompression_bomb_is_refused_before_it_is_decoded(tmp_path):
    # 40,000 x 40,000 pixels in a file whose data hold one row.
    Image.new("1", (40_000, 1)).save(tmp_path / "row.png")
    content = bytearray((tmp_path / "row.png").read_bytes())
    content[20:24] = (40_000).to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content)
    assert "40000 x 40000 pixels, above the limit" in reason(tmp_path / "a.png")


def test_pixel_limit_is_an_argument_and_leaves_pillows_own(tmp_path, monkeypatch, recwarn):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.fromarray(pattern()).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", max_pixels=24 * 40).size == (40, 24)
    assert "above the limit of 959" in reason(tmp_path / "a.png", max_pixels=959)
    assert Image.MAX_IMAGE_PIXELS == 100
    assert not recwarn.list


def test_vanished_file_and_folder(tmp_path):
    assert "does not exist" in reason(tmp_path / "a.png")
    assert reason(tmp_path) == "not a regular file"


def test_missing_permission(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"x")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert reason(tmp_path / "a.png") == "no permission to read the file"


def test_inspect_image(tmp_path):
    Image.fromarray(pattern()).save(tmp_path / "a.png")
    Image.new("RGB", (7, 5), (1, 2, 3)).save(tmp_path / "flat.png")
    facts = inspect_image(tmp_path / "a.png")
    digest = hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()
    assert facts == (40, 24, "RGB", digest, 1, False, 8, False, None, None)
    assert inspect_image(tmp_path / "flat.png").constant
