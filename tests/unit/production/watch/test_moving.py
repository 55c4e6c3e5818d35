import errno
import os
import shutil
import stat

import pytest

from nearlabel.production.watch.moving import hash_of, move_file, plan_place, write_reason


def known_of(path):
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


def give_name_to_another(path):
    (path.parent / "new").write_bytes(b"another")
    os.replace(path.parent / "new", path)


def test_a_place_that_is_taken_gets_a_stamp(tmp_path):
    wanted, stamped = str(tmp_path / "cam/a.png"), str(tmp_path / "cam/a.7.png")
    assert plan_place(tmp_path, "cam/a.png", 7, set()) == wanted
    assert plan_place(tmp_path, "cam/a.png", 7, {wanted}) == stamped
    assert plan_place(tmp_path, "cam/a.png", 7, {wanted, stamped}) == str(tmp_path / "cam/a.8.png")
    (tmp_path / "b").symlink_to("nowhere")
    assert plan_place(tmp_path, "b", -3, set()) == str(tmp_path / "b.-3")


@pytest.fixture
def apart(monkeypatch):
    """Folders are file systems of their own, between which `rename` does not work."""
    real = os.rename

    def rename(source, target):
        if os.path.dirname(source) != os.path.dirname(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)


@pytest.fixture(params=["one file system", "two"])
def moved(request):
    if request.param == "two":
        request.getfixturevalue("apart")
    return request.param


def test_a_file_is_moved_with_its_time(tmp_path, moved):
    source, target = tmp_path / "a.png", tmp_path / "archive/day/a.png"
    source.write_bytes(b"1234")
    os.utime(source, ns=(5_000_000_000, 7_000_000_000))
    move_file(str(source), str(target), known_of(source))
    assert target.read_bytes() == b"1234" and target.stat().st_mtime_ns == 7_000_000_000
    assert not source.exists() and [file.name for file in target.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("there", [b"1234", b""])
def test_killed_on_the_way_it_is_moved_by_the_next_call(tmp_path, moved, there):
    """Between the copy and the removal, or when only the place was held."""
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    target.parent.mkdir()
    source.write_bytes(b"1234")
    target.write_bytes(there)
    move_file(str(source), str(target), known_of(source), again=True)
    assert target.read_bytes() == b"1234" and not source.exists()


@pytest.mark.parametrize("again, there", [(False, b"1234"), (False, b""), (False, b"other"), (True, b"other")])
def test_nothing_is_moved_over_another_file(tmp_path, moved, again, there):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    target.parent.mkdir()
    source.write_bytes(b"1234")
    target.write_bytes(there)
    with pytest.raises(FileExistsError):
        move_file(str(source), str(target), known_of(source), again=again)
    assert target.read_bytes() == there and source.read_bytes() == b"1234"


def test_what_cannot_be_moved_stays(tmp_path):
    source = tmp_path / "a.png"
    source.write_bytes(b"1234")
    (tmp_path / "archive").write_bytes(b"no folder")
    with pytest.raises(OSError):
        move_file(str(source), str(tmp_path / "archive/a.png"), known_of(source))
    assert source.read_bytes() == b"1234"


def test_of_a_long_name_the_reason_keeps_the_beginning(tmp_path):
    name = "ü" * 125 + ".png"
    write_reason(str(tmp_path / name), "the file ends too early")
    [reason] = tmp_path.iterdir()
    assert reason.name.startswith("ü" * 100) and reason.name.endswith(".reason.txt")


def test_where_a_folder_cannot_be_synced_the_file_is_moved(tmp_path, apart, monkeypatch):
    source, target, sync = tmp_path / "a.png", tmp_path / "archive/a.png", os.fsync
    source.write_bytes(b"1234")

    def refuse_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    move_file(str(source), str(target), known_of(source))
    assert target.read_bytes() == b"1234" and not source.exists()


def test_reasons_and_hashes(tmp_path):
    write_reason(str(tmp_path / "a.png"), "the file ends too early")
    assert (tmp_path / "a.png.reason.txt").read_text() == "the file ends too early\n"
    assert len(hash_of(str(tmp_path / "a.png.reason.txt"))) == 64 and hash_of(str(tmp_path / "nowhere")) == ""


@pytest.mark.parametrize("when", ["before", "while it is moved"])
def test_another_file_of_its_name_is_not_moved_for_it(tmp_path, moved, when, monkeypatch):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    source.write_bytes(b"1234")
    known = known_of(source)
    if when == "before":
        give_name_to_another(source)
    else:
        make = os.makedirs
        monkeypatch.setattr(
            os, "makedirs", lambda *args, **options: (make(*args, **options), give_name_to_another(source))
        )
    with pytest.raises(OSError, match="another file has its name now"):
        move_file(str(source), str(target), known)
    assert source.read_bytes() == b"another" and not target.exists()


def test_a_file_that_comes_while_the_other_one_is_copied_stays(tmp_path, apart, monkeypatch):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    source.write_bytes(b"1234")
    known, copy = known_of(source), shutil.copyfile

    def copy_late(*arguments):
        copy(*arguments)
        give_name_to_another(source)

    monkeypatch.setattr(shutil, "copyfile", copy_late)
    with pytest.raises(OSError, match="another file has its name now"):
        move_file(str(source), str(target), known)
    assert source.read_bytes() == b"another" and not target.exists()


def test_where_the_original_cannot_be_removed_no_copy_is_left(tmp_path, apart, monkeypatch):
    source, target = tmp_path / "a.png", tmp_path / "archive/a.png"
    source.write_bytes(b"1234")
    unlink = os.unlink

    def keep(path, *arguments, **options):
        if os.fspath(path) == str(source):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path, *arguments, **options)

    monkeypatch.setattr(os, "unlink", keep)
    with pytest.raises(PermissionError):
        move_file(str(source), str(target), known_of(source))
    assert source.read_bytes() == b"1234" and not target.exists()
