"""Numbered folders: whole or not there, never twice, old ones untouched."""

import json
import os

import pytest

from helpers.written_bundles import made_content, write_made
from nearlabel.production.bundle import writing
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.numbering import find_bundle, list_numbers, read_note, write_note
from nearlabel.production.bundle.writing import content_of, write_bundle


def bytes_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_numbers_go_up_and_the_first_is_used(tmp_path):
    first = write_made(tmp_path, coverage=0.90)
    before = bytes_of(first)
    second = write_made(tmp_path, coverage=0.91)
    assert [first.name, second.name] == ["1", "2"] and list_numbers(tmp_path) == [1, 2]
    assert bytes_of(first) == before
    assert read_note(tmp_path, "used.json")["number"] == 1
    newest = read_note(tmp_path, "newest.json")
    assert newest == {"number": 2, "sha256": read_bundle(second).sha256, "folder": "2"}
    assert find_bundle(tmp_path) == first and read_bundle(tmp_path).number == 1


def test_the_same_content_gets_no_second_number(tmp_path):
    content = made_content()
    first = write_bundle(tmp_path, content)
    again = content._replace(facts=content.facts | {"commit": "other", "config_hash": "other"})
    assert write_bundle(tmp_path, again) == first
    assert write_bundle(tmp_path, content_of(read_bundle(first))) == first
    other = write_bundle(tmp_path, content._replace(facts=content.facts | {"coverage": 0.8}))
    assert other.name == "2"
    # What an older one holds is made anew: the newest counts.
    assert write_bundle(tmp_path, content).name == "3"


def test_the_same_content_gives_the_same_bytes(tmp_path):
    one, two = (write_made(tmp_path / name) for name in ("a", "b"))
    assert bytes_of(one) == bytes_of(two)


def test_a_damaged_newest_is_made_again(tmp_path):
    content = made_content()
    first = write_bundle(tmp_path, content)
    (first / "known.csv").write_text("damaged")
    assert write_bundle(tmp_path, content).name == "2"


def test_numbers_are_never_given_twice(tmp_path):
    write_made(tmp_path, coverage=0.90)
    second = write_made(tmp_path, coverage=0.91)
    for file in second.iterdir():
        file.unlink()
    second.rmdir()
    assert write_made(tmp_path, coverage=0.92).name == "3"


@pytest.mark.parametrize("name", ["write_groups", "write_arrays", "write_csv", "save_model", "write_json", "sync"])
def test_killed_at_any_step_no_number_stands_for_half(tmp_path, monkeypatch, name):
    class KilledError(BaseException):
        pass

    def die(*_):
        raise KilledError

    write_made(tmp_path, coverage=0.90)
    with monkeypatch.context() as patch:
        patch.setattr(writing, name, die)
        # A process that is killed cleans nothing up.
        patch.setattr(writing.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KilledError):
            write_made(tmp_path, coverage=0.91)
    assert list_numbers(tmp_path) == [1] and list(tmp_path.glob(".*.part"))
    assert write_made(tmp_path, coverage=0.91).name == "2"
    assert not list(tmp_path.glob(".*.part")) and read_bundle(tmp_path / "2").number == 2


def test_killed_before_the_notes_the_next_call_finds_the_folder(tmp_path, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "write_note", die)
        with pytest.raises(KeyboardInterrupt):
            write_made(tmp_path)
    assert list_numbers(tmp_path) == [1] and read_note(tmp_path, "newest.json") is None
    assert write_made(tmp_path).name == "1"
    assert read_note(tmp_path, "newest.json")["number"] == read_note(tmp_path, "used.json")["number"] == 1


@pytest.mark.parametrize("text", ["", "[]", '{"number": "1"}', "\0" * 40])
def test_a_damaged_note_of_the_newest_shuts_nothing(tmp_path, text):
    """Power was lost: the folders tell as much."""
    write_made(tmp_path, coverage=0.90)
    write_made(tmp_path, coverage=0.91)
    (tmp_path / "newest.json").write_text(text)
    assert read_note(tmp_path, "newest.json") is None
    assert write_made(tmp_path, coverage=0.92).name == "3" and read_note(tmp_path, "newest.json")["number"] == 3


def test_notes_are_on_the_disk_before_they_have_their_names(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append(os.readlink(f"/proc/self/fd/{file}")), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *names: (events.append(str(names[1])), replace(*names)))
    write_note(tmp_path, "used.json", {"number": 1, "sha256": "a" * 64})
    synced, named, folder = events[-3:]
    assert ".used.json." in synced and named == str(tmp_path / "used.json") and folder == str(tmp_path)
    assert read_note(tmp_path, "used.json")["number"] == 1


def test_weights_share_their_bytes_with_an_older_bundle(tmp_path):
    source = tmp_path / "published.pth"
    source.write_bytes(b"weights")
    bundles = tmp_path / "bundles"
    content = made_content()._replace(weights={"published.pth": source})
    first = write_bundle(bundles, content)
    second = write_bundle(bundles, content._replace(known={"a" * 64: "good"}))
    places = [folder / "weights/published.pth" for folder in (first, second)]
    assert os.path.samefile(*places)
    source.write_bytes(b"others")
    third = write_bundle(bundles, content)
    assert (third / "weights/published.pth").read_bytes() == b"others" and places[0].read_bytes() == b"weights"
    assert read_bundle(third).facts["files"].keys() >= {"weights/published.pth"}


def test_notes_that_are_damaged_are_named(tmp_path):
    write_made(tmp_path)
    note = tmp_path / "used.json"
    for text in ("{", "[]", json.dumps({"number": "1"})):
        note.write_text(text)
        with pytest.raises(ValueError, match=r"used\.json .*`nearlabel bundle use N` writes it anew"):
            find_bundle(tmp_path)
    note.unlink()
    with pytest.raises(FileNotFoundError, match="no bundle is in use; it has 1: `nearlabel bundle use N`"):
        find_bundle(tmp_path)
    note.write_text(json.dumps({"number": 7}))
    with pytest.raises(FileNotFoundError, match="there is no bundle 7; there are 1"):
        find_bundle(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no such folder"):
        find_bundle(tmp_path / "nowhere")
