import os
import subprocess
import sys

import pytest

from nearlabel.images.listing import data_files, fingerprint_listing, is_foreign, name_foreign


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())


@pytest.fixture
def folder(tmp_path):
    touch(tmp_path, "b.png", "good/a.png", "good/ü 'x' \"y\"\n.png")
    return tmp_path


def spec(root):
    return {"kind": "image_folder", "root": str(root)}


def test_every_file_counts(folder):
    seen = {fingerprint_listing(spec(folder))}
    touch(folder, "good/c.png")
    seen.add(fingerprint_listing(spec(folder)))
    os.rename(folder / "good/c.png", folder / "good/d.png")
    seen.add(fingerprint_listing(spec(folder)))
    os.utime(folder / "good/d.png", ns=(1, 1))
    seen.add(fingerprint_listing(spec(folder)))
    (folder / "good/d.png").write_bytes(b"longer than before")
    os.utime(folder / "good/d.png", ns=(1, 1))
    seen.add(fingerprint_listing(spec(folder)))
    assert len(seen) == 5


def test_root_and_hidden_files_do_not_count(folder, tmp_path_factory):
    before = fingerprint_listing(spec(folder))
    touch(folder, ".git/HEAD", ".DS_Store", "@eaDir/b.png/SYNOPHOTO_THUMB_M.jpg", "good/Thumbs.db", "#recycle/a.png")
    assert fingerprint_listing(spec(folder)) == before
    other = tmp_path_factory.mktemp("elsewhere") / "moved"
    os.rename(folder, other)
    assert fingerprint_listing(spec(other)) == before


def test_missing_root(tmp_path):
    assert fingerprint_listing(spec(tmp_path / "x")) == f"missing: {tmp_path / 'x'}"
    assert fingerprint_listing({"kind": "csv", "file": str(tmp_path / "x.csv")}) == f"missing: {tmp_path / 'x.csv'}"


def test_csv_counts_the_listed_files_only(folder):
    (folder / "list.csv").write_text("name,label\nb.png,1\ngone.png,0\n")
    listed = {"kind": "csv", "file": str(folder / "list.csv"), "root": None, "path_column": "name"}
    before = fingerprint_listing(listed)
    touch(folder, "other.png")
    assert fingerprint_listing(listed) == before
    os.utime(folder / "b.png", ns=(1, 1))
    changed = fingerprint_listing(listed)
    touch(folder, "gone.png")
    assert len({before, changed, fingerprint_listing(listed)}) == 3


def test_damaged_csv_is_left_to_the_reader(folder):
    (folder / "list.csv").write_bytes(b"\xff\xfe\0")
    assert len(fingerprint_listing({"kind": "csv", "file": str(folder / "list.csv")})) == 64


def test_layouts_count_their_own_folders_only(tmp_path):
    touch(tmp_path, "MT_Free/Imgs/a.jpg", "README.md", "Saliency/a.png")
    assert list(data_files("magnetic_tile", tmp_path)) == ["MT_Free/Imgs/a.jpg"]
    touch(tmp_path, "train.csv", "train_images/a.jpg", "test_images/b.jpg")
    assert list(data_files("severstal", tmp_path)) == ["train.csv", "train_images/a.jpg"]


def test_links_are_followed_once(folder):
    os.symlink(folder / "good", folder / "linked")
    os.symlink(folder, folder / "good" / "loop")
    assert [name for name in data_files("image_folder", folder) if "a.png" in name] == ["good/a.png", "linked/a.png"]


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir/a.jpg", "good/@eaDir/a.png/SYNOFILE_THUMB_M.png", "#recycle/a.png", "#snapshot/a.png"),
        *("$RECYCLE.BIN/S-1/a.png", "System Volume Information/a.png", "__MACOSX/good/._a.png", "lost+found/a.png"),
        *(".thumbnails/a.png", ".git/HEAD", ".ipynb_checkpoints/a.png", "__pycache__/a.png", "good/THUMBS.DB"),
        *("Desktop.ini", "good/._a.jpg", ".DS_Store", "~$list.xlsx", "@Recycle/"),
    ],
)
def test_what_systems_and_programs_leave_is_none_of_the_users(name):
    assert is_foreign(name)


@pytest.mark.parametrize("name", ["eaDir/a.png", "recycle/a.png", "thumbs/a.png", "Thumbs.db.png", "#1.png"])
def test_other_names_are_the_users(name):
    assert not is_foreign(name)


def test_folders_that_are_not_entered_are_named_with_their_reason(folder, monkeypatch):
    os.symlink(folder, folder / "good" / "loop")
    touch(folder, "@eaDir/a.png", "shut/a.png")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    reasons = {name: name_foreign(folder, name) for name in data_files("image_folder", folder) if name.endswith("/")}
    assert reasons == {
        "@eaDir/": "left by a system or program beside the images",
        "good/loop/": "a link to a folder that it lies in; it is not followed",
        "shut/": "the folder cannot be listed (Permission denied); correct its permissions",
    }
    assert len(fingerprint_listing(spec(folder))) == 64


def test_links_that_lead_nowhere_are_files_to_complain_about(folder):
    os.symlink("itself.png", folder / "itself.png")
    os.symlink("nowhere.png", folder / "dangling.png")
    assert {"itself.png", "dangling.png"} <= set(data_files("image_folder", folder))
    assert len(fingerprint_listing(spec(folder))) == 64


def test_a_csv_may_name_anything(folder):
    touch(folder, "@eaDir/a.png")
    (folder / "list.csv").write_text("path\n@eaDir/a.png\n" + "x" * 300 + ".png\n")
    listed = {"kind": "csv", "file": str(folder / "list.csv")}
    before = fingerprint_listing(listed)
    assert len(before) == 64
    os.utime(folder / "@eaDir/a.png", ns=(1, 1))
    assert fingerprint_listing(listed) != before


def test_synthetic_is_the_workflows_own(tmp_path):
    assert fingerprint_listing({"kind": "synthetic", "root": "x", "table": "y"}) == "made by the workflow"


def test_standard_library_only():
    code = (
        "import sys, nearlabel.images.listing; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'pandas', 'PIL', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
