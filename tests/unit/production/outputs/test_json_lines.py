import json
import os
import random
import resource

import pytest

from nearlabel.production.outputs.json_lines import JsonLines
from nearlabel.production.outputs.sending import Cursor


def messages(first, last):
    return [{"type": "label", "cursor": [number, 0], "name": "ü" * number} for number in range(first, last + 1)]


def cursor_of(output, stored=None, ours=True):
    cursor = output.begin(stored, Cursor(99, 99), lambda message: ours)
    return cursor.sighting_id, cursor.event_id


def test_lines_are_added_and_the_last_says_where_to_go_on(tmp_path):
    path = tmp_path / "l.jsonl"
    assert cursor_of(JsonLines(path)) == (0, 0)
    assert JsonLines(path).send(messages(1, 3)) == 3
    assert cursor_of(JsonLines(path)) == (3, 0)
    JsonLines(path).send([{"type": "event", "cursor": [3, 7]}])
    assert cursor_of(JsonLines(path), Cursor(1, 1)) == (3, 7)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["cursor"] for line in lines] == [[1, 0], [2, 0], [3, 0], [3, 7]] and lines[1]["name"] == "üü"


def test_cut_off_at_any_byte_no_line_is_missing_or_double(tmp_path):
    path = tmp_path / "l.jsonl"
    JsonLines(path).send(messages(1, 3))
    whole = path.read_bytes()
    for end in [*range(0, len(whole), 4), len(whole) - 1, len(whole)]:
        path.write_bytes(whole[:end])
        done, _ = cursor_of(JsonLines(path))
        assert done == whole[:end].count(b"\n")
        if done < 3:
            JsonLines(path).send(messages(done + 1, 3))
        assert path.read_bytes() == whole


def test_long_lines_and_long_torn_ends_are_read_backwards(tmp_path):
    path = tmp_path / "l.jsonl"
    line = json.dumps({"type": "label", "cursor": [5, 2], "name": "x" * 200_000}) + "\n"
    path.write_text(line * 2 + line[:150_000])
    assert cursor_of(JsonLines(path)) == (5, 2) and path.stat().st_size == 2 * len(line)
    path.write_text(line[:150_000])
    assert cursor_of(JsonLines(path), Cursor(4, 1)) == (4, 1) and path.stat().st_size == 0


def test_a_file_that_is_moved_away_is_begun_where_it_had_ended(tmp_path):
    path = tmp_path / "l.jsonl"
    output = JsonLines(path)
    output.send(messages(1, 2))
    path.rename(tmp_path / "l.jsonl.1")
    output.send(messages(3, 4))
    assert path.read_text(encoding="utf-8").count("\n") == 2
    path.rename(tmp_path / "l.jsonl.2")
    assert cursor_of(JsonLines(path), Cursor(4, 0)) == (4, 0)


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"some notes", b'{"type": "label"}\n', b"[1]\n", bytes(range(128, 178))]
)
def test_other_files_are_refused_and_kept(tmp_path, content):
    path = tmp_path / "l.jsonl"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="something else than nearlabel's lines; choose another"):
        cursor_of(JsonLines(path))
    assert path.read_bytes() == content


def test_lines_of_another_database_are_refused(tmp_path):
    JsonLines(tmp_path / "l.jsonl").send(messages(1, 5))
    with pytest.raises(ValueError, match="holds labels of another database"):
        cursor_of(JsonLines(tmp_path / "l.jsonl"), ours=False)


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; make it first"):
        cursor_of(JsonLines(tmp_path / "nowhere/l.jsonl"))


def test_a_full_disk_leaves_whole_lines(tmp_path, monkeypatch):
    path, output = tmp_path / "l.jsonl", JsonLines(tmp_path / "l.jsonl")
    output.send(messages(1, 2))
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            output.send(messages(3, 3 + random.Random(0).randrange(5)))
    assert path.read_bytes() == before
    output.send(messages(3, 3))
    assert cursor_of(JsonLines(path)) == (3, 0)


def test_what_a_full_disk_has_not_taken_is_not_written_later(tmp_path):
    path, output = tmp_path / "l.jsonl", JsonLines(tmp_path / "l.jsonl")
    lines = [{"type": "label", "cursor": [number, 0], "name": "x" * 1000} for number in range(1, 7)]
    output.send(lines[:1])
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    # As a disk that is full: the file can grow to this size, and what is written beyond is refused.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 2500, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            output.send(lines[1:])
        assert path.read_bytes() == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    output.send(lines[1:])
    assert [json.loads(line) for line in path.read_text().splitlines()] == lines


def test_two_watchers_never_write_into_one_file(tmp_path):
    first, second = JsonLines(tmp_path / "l.jsonl"), JsonLines(tmp_path / "l.jsonl")
    cursor_of(first)
    with pytest.raises(OSError, match=r"l\.jsonl: another watcher writes into it; end that one first, or name another"):
        cursor_of(second)
    first.send(messages(1, 2))
    (tmp_path / "l.jsonl").rename(tmp_path / "l.jsonl.1")
    with pytest.raises(OSError, match="another watcher writes into it"):
        cursor_of(second)
    first.send(messages(3, 3))
    first.close()
    assert cursor_of(second) == (3, 0)
