from pathlib import Path

import pytest

from nearlabel.production.watch.checks import _find_share, list_oddities, make_folders, refuse_folders, share_of

MOUNTS = [
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw",
    "40 22 0:35 / /mnt/line\\0401 rw - nfs4 server:/export rw",
    "41 22 0:36 / /mnt rw shared:2 - cifs //server/share rw",
    "42 22 0:37 / /mnt/local rw - ext4 /dev/vdb1 rw",
    "damaged",
]


@pytest.mark.parametrize(
    ("folder", "share"),
    [("/var/lib", ""), ("/mnt", "cifs"), ("/mnt/line 1/a", "nfs4"), ("/mnt/local/a", ""), ("/mntx", "")],
)
def test_shares_are_told_from_disks(folder, share):
    assert _find_share(folder, MOUNTS) == share


def test_this_machines_temporary_folder_is_a_disk(tmp_path):
    assert share_of(tmp_path) == ""


@pytest.mark.parametrize("name", ["inbox", ".", "inbox/../../{}"])
def test_an_archive_around_the_inbox_is_refused(tmp_path, name):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    folder = tmp_path / name.format(tmp_path.name)
    for archive, quarantine, option in ((folder, None, "--archive"), (None, folder, "--quarantine")):
        with pytest.raises(ValueError, match=f"{option} .* holds the inbox"):
            refuse_folders(inbox, archive, quarantine)


def test_a_link_to_the_inbox_is_refused_too(tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "inbox")
    with pytest.raises(ValueError, match="holds the inbox"):
        refuse_folders(tmp_path / "inbox", tmp_path / "link", None)


def test_other_folders_are_fine_but_not_one_for_both(tmp_path):
    inbox, other = tmp_path / "inbox", tmp_path / "inbox2"
    refuse_folders(inbox, inbox / "done", other)
    refuse_folders(inbox, None, None)
    with pytest.raises(ValueError, match="choose two folders"):
        refuse_folders(inbox, other, Path(f"{other}/."))


def test_folders_are_made_and_one_that_cannot_be_is_one_sentence(tmp_path):
    make_folders(tmp_path / "a/b", None)
    assert (tmp_path / "a/b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"--quarantine .*file/x: cannot be made .*; choose another folder"):
        make_folders(None, tmp_path / "file/x")


def test_what_is_odd_is_said(tmp_path, monkeypatch):
    database = tmp_path / "labels.sqlite"
    assert list_oddities(tmp_path, database, None, None, 2.0) == []
    monkeypatch.setattr("nearlabel.production.watch.checks.share_of", lambda folder: "nfs4")
    share, missing, settle = list_oddities(tmp_path / "nowhere", database, None, None, 0.0)
    assert "lies on a share (nfs4)" in share and "not there yet" in missing and "--settle-s 0" in settle
