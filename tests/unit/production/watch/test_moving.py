import errno
import os

import pytest

from nearlabel.production.watch.moving import hash_of, move_file, plan_place, write_reason


def test_a_place_that_is_taken_gets_a_stamp(tmp_path):
    wanted, stamped = str(tmp_path / "cam/a.png"), str(tmp_path / "cam/a.7.png")
    assert plan_place(tmp_path, "cam/a.png", 7, set()) == wanted
    assert plan_place(tmp_path, "cam/a.png", 7, {wanted}) == stamped
    assert plan_place(tmp_path, "cam/a.png", 7, {wanted, stamped}) == str(tmp_path / "cam/a.8.png")
    (tmp_path / "b").symlink_to("nowhere")
    assert plan_place(tmp_path, "b", -3, set()) == str(tmp_path / "b.-3")


@pytest.fixture(params=["one file system", "two"])
def moved(request, monkeypatch):
    """Between file systems `rename` does not work."""
    if request.param == "two":
        real = os.rename

        def rename(source, target):
            if os.path.dirname(source) != os.path.dirname(target):
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            real(source, target)

        monkeypatch.setattr(os, "rename", rename)
    return request.param


def test_a_file_is_moved_with_its_time(tmp_path, moved):
    source, target = tmp_path / "a.png", tmp_path / "archive/day/a.png"
    source.write_bytes(b"1234")
    os.utime(source, ns=(5_000_000_000, 7_000_000_000))
    move_file(str(source), str(target))
    assert target.read_bytes() == b"1234" and target.stat().st_mtime_ns == 7_000_000_000
    assert not source.exists() and [file.name for file in target.parent.iterdir()] == ["a.png"]


def test_killed_between_copy_and_removal_it_is_moved_by_the_next_call(tmp_path, moved):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    target.parent.mkdir()
    for file in (source, target):
        file.write_bytes(b"1234")
    move_file(str(source), str(target))
    assert target.read_bytes() == b"1234" and not source.exists()


def test_what_cannot_be_moved_stays(tmp_path):
    source = tmp_path / "a.png"
    source.write_bytes(b"1234")
    (tmp_path / "archive").write_bytes(b"no folder")
    with pytest.raises(OSError):
        move_file(str(source), str(tmp_path / "archive/a.png"))
    assert source.read_bytes() == b"1234"


def test_reasons_and_hashes(tmp_path):
    write_reason(str(tmp_path / "a.png"), "the file ends too early")
    assert (tmp_path / "a.png.reason.txt").read_text() == "the file ends too early\n"
    assert len(hash_of(str(tmp_path / "a.png.reason.txt"))) == 64 and hash_of(str(tmp_path / "nowhere")) == ""


def test_where_the_original_cannot_be_removed_no_copy_is_left(tmp_path, monkeypatch):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    source.write_bytes(b"1234")
    unlink = os.unlink

    def rename(source, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def keep(path, *arguments, **options):
        if os.fspath(path) == str(source):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, *arguments, **options)

    real = os.rename
    monkeypatch.setattr(os, "rename", lambda a, b: rename(a, b) if str(a) == str(source) else real(a, b))
    monkeypatch.setattr(os, "unlink", keep)
    with pytest.raises(PermissionError):
        move_file(str(source), str(target))
    assert source.read_bytes() == b"1234" and not target.exists()
