import json
import logging
import signal
import sqlite3

import pytest

from helpers.bundles import draw_images
from helpers.listeners import hanging, listening
from helpers.written_bundles import write_made_up_bundle
from nearlabel.production.commands.main import main
from nearlabel.production.database.opening import only_watcher, open_to_read


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    write_made_up_bundle(folder)
    return folder


@pytest.fixture
def place(tmp_path, bundles):
    (tmp_path / "inbox").mkdir()

    def watch(*more):
        database = str(tmp_path / "labels.sqlite")
        arguments = [str(tmp_path / "inbox"), "--bundle", str(bundles), "--db", database, "--once", "--poll-s", "0.02"]
        return main(["watch", *arguments, "--settle-s", "0.05", *more])

    return tmp_path, watch


def test_images_become_labels_lines_and_posts(place, caplog):
    folder, watch = place
    caplog.set_level(logging.INFO)
    handlers = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    draw_images(folder / "inbox/left", 8)
    with listening() as server:
        options = ["--webhook", server.url, "--camera-from", "^([^/]+)/", "--part-from", r"_(\d+)_"]
        assert watch(*options) == 0
        draw_images(folder / "inbox/right", 2, seed=5, prefix="new")
        assert watch(*options, "--archive", str(folder / "archive")) == 0
        assert server.numbers() == list(range(1, 11))
    database = open_to_read(folder / "labels.sqlite")
    rows = [tuple(row) for row in database.execute("SELECT camera, part FROM sightings ORDER BY path")]
    assert rows == [("left", f"{part:04d}") for part in range(8)] + [("right", "0000"), ("right", "0001")]
    lines = [json.loads(line) for line in (folder / "labels.sqlite.jsonl").read_text("utf-8").splitlines()]
    assert [line["sighting_id"] for line in lines] == list(range(1, 11))
    assert {line["label_by"] for line in lines if not line["novel"]} == {"model"}
    assert not list((folder / "inbox").rglob("*.png")) and len(list((folder / "archive").rglob("*.png"))) == 10
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "Bundle 1 of strips labels what arrives in" in said and "ended; 2 images labelled" in said
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == handlers


def test_a_dead_web_server_does_not_hold_up_labels(place, monkeypatch):
    folder, watch = place
    monkeypatch.setattr("nearlabel.production.commands.watch._DRAIN_S", 0.2)
    draw_images(folder / "inbox", 4)
    with hanging() as port:
        url = f"http://127.0.0.1:{port}/"
        assert watch("--webhook", url) == 0
    database = open_to_read(folder / "labels.sqlite")
    assert database.execute("SELECT count(*) FROM labels").fetchone()[0] == 4
    assert len((folder / "labels.sqlite.jsonl").read_text().splitlines()) == 4
    with listening(port) as server:
        assert watch("--webhook", url) == 0
        assert server.numbers() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--archive", "."], "--archive . holds the inbox"),
        (["--camera-from", "("], "--camera-from '(' is no regular expression"),
        (["--webhook", "file:///etc/passwd"], "--webhook must be like https://host/path"),
        (["--mqtt", "mqtt://host"], "--mqtt must be like mqtt://host/topic"),
        (["--false-alarms", "0.001"], "the lowest that they support is 0.0715"),
        (["--bundle", "nowhere"], "nowhere: there is no such folder"),
        (["--db", "nowhere/labels.sqlite"], "nowhere does not exist; make it first"),
        (["--jsonl", "inbox/list.csv"], "holds something else than nearlabel's lines"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_no_labels_are_made(place, monkeypatch, capsys, options, sentence):
    folder, watch = place
    monkeypatch.chdir(folder)
    (folder / "inbox/list.csv").write_text("a,b\n")
    draw_images(folder / "inbox", 1)
    assert watch(*options) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("nearlabel watch: ") and sentence in error
    assert not (folder / "labels.sqlite").exists() or "--jsonl" in options


def test_a_second_watcher_of_a_database_is_refused(place, capsys):
    folder, watch = place
    with only_watcher(folder / "labels.sqlite"):
        assert watch() == 1
    assert "another watcher (process " in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [["--settle-s", "-1"], ["--batch", "0"], ["--drift-alarms", "1"], ["--poll-s", "nan"]]
)
def test_numbers_out_of_range_are_refused(place, option):
    with pytest.raises(SystemExit):
        place[1](*option)


def test_a_damaged_database_is_one_sentence(place, capsys):
    folder, watch = place
    draw_images(folder / "inbox", 1)
    assert watch() == 0
    connection = sqlite3.connect(folder / "labels.sqlite")
    connection.execute("DROP VIEW latest_labels")
    connection.execute("DROP TABLE events")
    connection.close()
    draw_images(folder / "inbox", 1, seed=3)
    assert watch() == 1
    assert "no such table: events" in capsys.readouterr().err
