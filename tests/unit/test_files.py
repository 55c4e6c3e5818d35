import errno
import os
import platform

import pandas as pd
import pytest

from nearlabel.files import read_table, write_csv, write_json, written_durably, written_whole


def leftovers(folder):
    return [file.name for file in folder.iterdir() if file.name.endswith(".part")]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "new/table.csv"
    with written_whole(target) as partial:
        partial.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    with pytest.raises(KeyError), written_whole(target) as partial:
        partial.write_text("half")
        raise KeyError
    assert target.read_text() == "whole" and leftovers(target.parent) == []


def test_a_file_is_on_the_disk_before_it_has_its_name_where_folders_cannot_be_synced_too(tmp_path, monkeypatch):
    """As on some shares, which say so by an error."""
    target, sync, synced = tmp_path / "note.json", os.fsync, []

    def refuse_folders(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        if os.path.isdir(synced[-1]):
            raise OSError(errno.EINVAL, "Invalid argument")
        assert not target.exists()
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with written_durably(target) as partial:
        partial.write_text("whole")
    assert target.read_text() == "whole" and synced == [str(partial), str(tmp_path)]

    def refuse(handle):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="Input/output error"), written_durably(target) as partial:
        partial.write_text("half")
    assert target.read_text() == "whole" and leftovers(tmp_path) == []


def test_writers_of_one_file_with_one_process_id_do_not_meet(tmp_path, monkeypatch):
    """As on two machines, or in two containers, that share a cache."""
    monkeypatch.setattr(os, "getpid", lambda: 7)
    target = tmp_path / "shard.h5"
    with written_whole(target) as one, written_whole(target) as other:
        assert one != other
        one.write_text("one")
        other.write_text("other")
    assert target.read_text() == "one"
    # One that fails takes nothing away from another that is still at work.
    with written_whole(target) as other:
        other.write_text("other")
        with pytest.raises(OSError), written_whole(target) as one:
            raise OSError
        assert other.read_text() == "other"
    assert target.read_text() == "other" and leftovers(tmp_path) == []


@pytest.mark.parametrize("host", ["node-1.cluster.example", "", "ho st/../x" * 30, "größe"])
@pytest.mark.parametrize("name", ["a.csv", "ä" * 120 + ".json", "x" * 251 + ".svg"])
def test_temporary_names_suit_every_host_and_long_names(tmp_path, monkeypatch, host, name):
    monkeypatch.setattr(platform, "node", lambda: host)
    with written_whole(tmp_path / name) as partial:
        assert partial.parent == tmp_path and partial.name.startswith(".")
        partial.write_text("x")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_tables_and_json_come_back(tmp_path):
    write_json(tmp_path / "a.json", {"größe": [1, None]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "größe": [\n    1,\n    null\n  ]\n}\n'
    frame = pd.DataFrame({"image_id": ["a\r\nb", "NA", ""], "n": [1, 2, 3]})
    write_csv(tmp_path / "a.csv", frame)
    assert read_table(tmp_path / "a.csv", ("image_id",))["image_id"].tolist() == ["a\r\nb", "NA", ""]
    with pytest.raises(ValueError, match="no column 'part'"):
        read_table(tmp_path / "a.csv", ("part",))
