import os
import socket

import pytest

from nearlabel.images.naming import formats
from nearlabel.production.watch.inbox import Found, Inbox, PathFacts


def names(inbox):
    return sorted(os.path.relpath(found.path, inbox.root) for found in inbox.list())


def test_images_are_found_in_folders_within_folders(tmp_path):
    for name in ("a.png", "b/c.JPG", "b/d/e.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1234")
    inbox = Inbox(tmp_path)
    assert names(inbox) == ["a.png", "b/c.JPG", "b/d/e.tiff"]
    [found] = [one for one in inbox.list() if one.path.endswith("a.png")]
    facts = os.stat(tmp_path / "a.png")
    assert found == Found(str(tmp_path / "a.png"), facts.st_mtime_ns, 4)


def test_what_is_hidden_unfinished_or_no_image_is_left_out(tmp_path, caplog):
    hidden = (".a.png", ".cache/a.png", "a.png.part", "a.png.tmp", "a.png.filepart", "a.png~", "Thumbs.db")
    for name in (*hidden, "@eaDir/a.png", "a.xml", "b.xml", "list.csv", "README", "apart/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"1234")
    inbox = Inbox(tmp_path, (tmp_path / "apart",))
    assert names(inbox) == names(inbox) == []
    said = [record.getMessage() for record in caplog.records]
    which = ("with suffix 'csv'", "with suffix 'xml'", "without a suffix, as they begin,")
    assert sorted(said) == [f"files {one} are no images and stay where they are" for one in which]


def test_folders_apart_are_known_whatever_links_lead_there(tmp_path):
    (tmp_path / "real/done").mkdir(parents=True)
    (tmp_path / "real/done/a.png").touch()
    (tmp_path / "real/b.png").touch()
    (tmp_path / "inbox").symlink_to("real")
    (tmp_path / "archive").symlink_to("real/done")
    for root in ("inbox", "real"):
        for apart in ("archive", "inbox/done", "real/done"):
            assert names(Inbox(tmp_path / root, (tmp_path / apart,))) == ["b.png"]


def test_an_image_without_a_suffix_and_one_that_is_not_read_are_found(tmp_path):
    (tmp_path / "frame17").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 20)
    (tmp_path / "photo.heic").write_bytes(b"1234")
    inbox = Inbox(tmp_path)
    assert names(inbox) == ["frame17", "photo.heic"]
    why = {os.path.basename(found.path): inbox.why_not(found) for found in inbox.list()}
    assert why["frame17"] == "" and "HEIF" in why["photo.heic"]


def test_a_file_whose_suffix_says_nothing_is_looked_into_once_wherever_the_watcher_was_started(tmp_path, monkeypatch):
    (tmp_path / "scan.0001").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 20)
    (tmp_path / "photo.dat").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    (tmp_path / "notes.dat").write_bytes(b"1234")
    opened, sniff = [], formats.sniff

    def counted(path):
        opened.append(os.path.basename(path))
        return sniff(path)

    monkeypatch.setattr(formats, "sniff", counted)
    monkeypatch.setattr("nearlabel.production.watch.inbox.sniff", counted)
    inbox = Inbox(tmp_path)
    for _ in range(3):
        assert names(inbox) == ["photo.dat", "scan.0001"]
    assert sorted(opened) == ["notes.dat", "photo.dat", "scan.0001"]
    (tmp_path / "notes.dat").write_bytes(b"\0\0\0\x18ftypheic" + bytes(20))
    assert names(inbox) == ["notes.dat", "photo.dat", "scan.0001"] and len(opened) == 4


def test_by_whatever_link_an_inbox_is_called_its_files_keep_their_paths(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.png").touch()
    (tmp_path / "inbox").symlink_to("real")
    assert list(Inbox(tmp_path / "inbox").list()) == list(Inbox(tmp_path / "real").list()) != []


def test_links_sockets_and_pipes_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.png").write_bytes(b"1234")
    root = tmp_path / "inbox"
    root.mkdir()
    (root / "link.png").symlink_to(outside / "secret.png")
    (root / "folder").symlink_to(outside)
    (root / "nowhere.png").symlink_to(root / "missing.png")
    (root / "folder.png").mkdir()
    os.mkfifo(root / "pipe.png")
    server = socket.socket(socket.AF_UNIX)
    old = os.getcwd()
    os.chdir(root)  # A socket's path is short.
    try:
        server.bind("socket.png")
    finally:
        os.chdir(old)
        server.close()
    inbox = Inbox(root)
    why = {os.path.basename(found.path): inbox.why_not(found) for found in inbox.list()}
    assert why.keys() == {"link.png", "nowhere.png", "pipe.png", "socket.png"}
    assert "a link, which is not followed" in why["link.png"] == why["nowhere.png"]
    assert why["pipe.png"] == why["socket.png"] == "not a regular file"


def test_names_that_are_not_utf8_are_found(tmp_path):
    with open(os.fsencode(tmp_path) + b"/Bl\xe4sche.png", "wb"):
        pass
    [found] = Inbox(tmp_path).list()
    assert os.path.exists(found.path)


def test_a_missing_inbox_is_an_error_and_a_folder_that_vanishes_is_not(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        list(Inbox(tmp_path / "nowhere").list())
    (tmp_path / "a").mkdir()
    listed, real = [], os.scandir

    def scandir(path):
        listed.append(path)
        if len(listed) == 2:
            (tmp_path / "a").rmdir()
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert list(Inbox(tmp_path).list()) == [] and len(listed) == 2


@pytest.mark.parametrize(
    ("pattern", "path", "found"),
    [
        ("^([^/]+)/", "left/1.png", "left"),
        ("^([^/]+)/", "1.png", ""),
        (r"cam\d", "x/cam7_1.png", "cam7"),
        (r"(x)(?P<camera>y)(?P<part>z)", "xyz.png", "y"),
        ("(a)?b", "b.png", ""),
    ],
)
def test_the_camera_by_the_path(pattern, path, found):
    assert PathFacts(camera_from=pattern).camera(path) == found


def test_the_part_by_the_path_and_a_camera_for_all():
    facts = PathFacts(camera="left", part_from=r"(\d+)_\d+\.png$")
    assert (facts.camera("17_2.png"), facts.part("17_2.png"), facts.part("x.png")) == ("left", "17", "")


def test_a_wrong_expression_is_one_sentence():
    with pytest.raises(ValueError, match=r"--part-from '\(' is no regular expression: "):
        PathFacts(part_from="(")
