import os

import pytest
from PIL import Image

from nearlabel.images.naming.formats import HEAD, SUFFIXES, is_image_name, name_unread, sniff, suffix_of
from nearlabel.images.reading import inspect_image
from nearlabel.images.reading.kinds import FORMATS

# As Pillow writes them.
OPTIONS = {"TIFF": {"big_tiff": True}}


def test_every_format_that_is_read_has_its_suffixes():
    Image.init()
    assert set(SUFFIXES) == set(FORMATS)
    for suffix, kind in Image.registered_extensions().items():
        if kind in FORMATS:
            assert is_image_name(f"a{suffix}"), suffix
            assert is_image_name(f"folder.d/A{suffix.upper()}")


@pytest.mark.parametrize(("kind", "suffix"), [(kind, suffix) for kind in SUFFIXES for suffix in SUFFIXES[kind]])
def test_files_of_every_suffix_are_read_and_known_by_content(tmp_path, kind, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.radial_gradient("L").resize((16, 16)).save(path, kind, **OPTIONS.get(kind, {}))
    assert inspect_image(path).width == 16
    assert sniff(path) == (kind, "")
    assert name_unread(str(path)) == ""


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a/b.PNG", "png"), ("b.tar.gz", "gz"), ("IMG_0001", ""), ("frame.0007", ""), ("x.y/IMG", ""), (".hidden", "")],
)
def test_suffixes(name, suffix):
    assert suffix_of(name) == suffix


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.HEIC", b"", "a HEIF photo"),
        ("a.avif", b"", "an AVIF image"),
        ("a.psd", b"", "a Photoshop file"),
        ("a.svg", b"", "a vector drawing"),
        ("a.CR2", b"II*\0", "a camera's raw file"),
        ("a.dng", b"", "a camera's raw file"),
        ("a.nef", b"", "a camera's raw file"),
        ("a.exr", b"", "an OpenEXR image"),
        ("a.dcm", b"", "a DICOM file"),
        ("a.pam", b"", "a PAM image"),
        ("a", b"\0\0\0\x18ftypmif1", "a HEIF photo"),
        ("a.jpg", b"\0\0\0\x18ftypavif", "an AVIF image"),
        ("a", bytes(128) + b"DICM", "a DICOM file"),
        ("a.png", b"8BPS\0\1", "a Photoshop file"),
    ],
)
def test_images_that_are_not_read_are_named(tmp_path, name, content, kind):
    (tmp_path / name).write_bytes(content)
    assert name_unread(str(tmp_path / name)) == f"{kind}, which is not read; save it as PNG or TIFF"


@pytest.mark.parametrize("content", [b"", b"BM is no bitmap\n", b"P6 is a road", b"P1\nto P6", b"RIFF....WAVE", b"II*"])
def test_other_files_are_no_images(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    assert sniff(tmp_path / "a") == ("", "")


def test_a_video_s_frames_are_asked_for():
    assert name_unread("a.mp4") == "a video, which is not read; save its frames as images"


def test_little_is_read_and_nothing_waits(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(20 << 30)
    assert sniff(tmp_path / "pipe") == sniff(tmp_path / "absent") == sniff(tmp_path / "huge") == ("", "")
    assert HEAD <= 4096
