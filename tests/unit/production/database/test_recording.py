import json
import math
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path
from sys import executable
from urllib.parse import quote

import pytest

from helpers.labelled_images import recorded
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.reader import (
    last_ids,
    read_events_after,
    read_label_of,
    read_labels_after,
    read_quarantined,
    read_sighting,
    read_state,
    vector_of,
)
from nearlabel.production.database.recording import (
    Arrival,
    Event,
    Quarantined,
    Recorded,
    now,
    path_to_text,
    record_batch,
    text_to_path,
)


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "labels.sqlite", create=True)


def test_a_batch_is_written_whole_and_read_again(database):
    rows = [recorded("/in/a.png", 1), recorded("/in/b.png", 2, novel=True), recorded("/in/c.png", 3, label="")]
    events = [Event("drift", "Brighter since 7:00.", {"statistic": "brightness"}, 1, 3)]
    record_batch(database, rows, bundle=7, bundle_sha256="ab", events=events, state={"drift": b"1"}, time="T")
    first, second, third = read_labels_after(database, 0, 10)
    assert (first["path"], first["label"], first["bundle"], first["bundle_sha256"]) == ("/in/a.png", "good", 7, "ab")
    assert first["lineage"] == ["root.0", "root.0.1"] and first["node"] == "root.0.1" and first["camera"] == "left"
    assert first["neighbors"] == [{"image_id": "good/1.png", "distance": 0.25, "label": "good", "node": "root.0.1"}]
    assert second["novel"] is True and (second["label"], second["node"], second["x"]) == ("", "", None)
    assert third["p_value"] is None and third["confidence"] is None and third["label_set"] == []
    [event] = read_events_after(database, 0, 10)
    assert event["detail"] == {"statistic": "brightness"} and (event["first_label"], event["last_label"]) == (1, 3)
    assert read_state(database, "drift") == b"1" and read_state(database, "shadow") is None
    assert last_ids(database) == {"label_id": 3, "sighting_id": 3, "event_id": 1}
    json.dumps([first, second, third, event], allow_nan=False)
    vector = vector_of(database.execute("SELECT vector FROM labels").fetchone()[0])
    assert vector.dtype == "<f4" and vector.tolist() == [0.5, -1.5]


def test_reading_goes_on_after_what_is_known(database):
    record_batch(database, [recorded(f"/in/{i}.png", i + 1) for i in range(5)], bundle_sha256="ab")
    assert [row["sighting_id"] for row in read_labels_after(database, 2, 2)] == [3, 4]
    assert read_labels_after(database, 5, 2) == []


def test_the_same_bytes_again_are_one_image_one_label_two_sightings(database):
    first = recorded("/in/a.png", 1, b"same")
    record_batch(database, [first], bundle_sha256="ab")
    assert read_label_of(database, first.prepared.sha256, "ab") == 1
    assert read_label_of(database, first.prepared.sha256, "cd") is None
    copy = recorded("/in/copy.png", 1, b"same")
    copy = Recorded(copy.arrival, copy.prepared, None, 1)
    record_batch(database, [copy], bundle_sha256="ab")
    record_batch(database, [copy], bundle_sha256="ab")  # As after a kill.
    counts = [database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("images", "labels")]
    assert counts == [1, 1]
    assert [row["label_id"] for row in read_labels_after(database, 0, 9)] == [1, 1]
    assert database.execute("SELECT path FROM images").fetchone()[0] == "/in/copy.png"


def test_another_bundle_labels_it_anew_and_the_old_label_stays(database):
    record_batch(database, [recorded("/in/a.png", 1, b"same")], bundle=1, bundle_sha256="ab")
    record_batch(database, [recorded("/in/b.png", 2, b"same", label="scratch")], bundle=2, bundle_sha256="cd")
    assert [row["label"] for row in read_labels_after(database, 0, 9)] == ["good", "scratch"]
    assert database.execute("SELECT label FROM latest_labels").fetchall()[0][0] == "scratch"


def test_a_batch_that_fails_leaves_nothing(database):
    wrong = recorded("/in/b.png", 1)
    with pytest.raises(sqlite3.IntegrityError):
        record_batch(database, [recorded("/in/a.png", 1), wrong], bundle_sha256="ab", state={"drift": b"1"})
    assert last_ids(database) == {"label_id": 0, "sighting_id": 0, "event_id": 0}
    assert read_state(database, "drift") is None


def test_infinite_numbers_are_kept_out_of_json_and_nan_out_of_the_database(database):
    record_batch(database, [recorded("/in/a.png", 1, p_value=math.nan)], bundle_sha256="ab")
    assert database.execute("SELECT p_value FROM labels").fetchone()[0] is None


def test_files_are_known_by_path_time_and_size(database):
    gone = Quarantined(Arrival("/in/torn.png", 5, 7), "the file ends too early", "/bad/torn.png")
    record_batch(database, [recorded("/in/a.png", 1)], bundle_sha256="ab", quarantined=[gone, gone])
    size = len("/in/a.png")
    assert read_sighting(database, "/in/a.png", 1_000, size)["archived"] == ""
    assert read_sighting(database, "/in/a.png", 1_001, size) is None
    assert read_sighting(database, "/in/a.png", 1_000, size + 1) is None
    assert tuple(read_quarantined(database, "/in/torn.png", 5, 7)) == ("the file ends too early", "/bad/torn.png")
    assert read_quarantined(database, "/in/torn.png", 5, 8) is None


def test_names_that_are_not_utf8_find_their_file(tmp_path):
    for name in (b"Bl\xe4sche.png", b"\xff\\x.png", "Süd.png".encode(), b"a\\xfc.png", b"\\x\\xzz.png"):
        file = os.fsencode(tmp_path) + b"/" + name
        Path(os.fsdecode(file)).write_bytes(name)
        text = path_to_text(os.fsdecode(file))
        text.encode("utf-8")
        assert Path(text_to_path(text)).read_bytes() == name


def test_times_sort_as_text():
    assert now() <= now() and len(now()) == len("2026-11-28T07:30:00.123Z") and now().endswith("Z")


def test_datasette_reads_it(database, tmp_path):
    datasette = shutil.which("datasette") or shutil.which("datasette", path=str(Path(executable).parent))
    if datasette is None:
        pytest.skip("datasette is not installed")
    record_batch(database, [recorded("/in/a.png", 1), recorded("/in/b.png", 2)], bundle_sha256="ab")
    sql = "SELECT (SELECT count(*) FROM labels) AS labels, (SELECT count(*) FROM latest_labels) AS latest"
    got = subprocess.run(
        [datasette, tmp_path / "labels.sqlite", "--get", f"/labels.json?_shape=array&sql={quote(sql)}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(got.stdout) == [{"labels": 2, "latest": 2}]
