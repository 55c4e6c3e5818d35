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
        (["--weights-dir", "nowhere"], "--weights-dir nowhere is no folder; name the one with the weights"),
        (["--module", "nowhere.py"], "--module nowhere.py is no file; name the custom encoder's Python file"),
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
    ("option", "text", "sentence"),
    [
        ("--settle-s", "-1", "'-1' is no number of seconds; write it without a unit"),
        ("--settle-s", "2s", "'2s' is no number of seconds"),
        ("--poll-s", "nan", "'nan' is no number of seconds"),
        ("--batch", "0", "'0' is no whole number from 1"),
        ("--threads", "x", "'x' is no whole number from 1"),
        ("--drift-alarms", "1", "'1' is not between 0 and 1"),
        ("--drift-alarms", "5%", "'5%' is not between 0 and 1"),
        ("--device", "gpu", "'gpu' is no device; write auto, cpu, cuda or cuda:1"),
        ("--camera", "K\udcfchl", "'K\\udcfchl' holds bytes that are no UTF-8"),
        ("--part-from", "K\udcfchl", "'K\\udcfchl' holds bytes that are no UTF-8"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(place, capsys, option, text, sentence):
    with pytest.raises(SystemExit):
        place[1](f"{option}={text}")
    assert f"argument {option}: {sentence}" in capsys.readouterr().err


@pytest.mark.parametrize(("inbox", "why"), [("nowhere", "No such file or directory"), ("file", "Not a directory")])
def test_an_inbox_that_cannot_be_listed_ends_one_that_watches_once_in_a_sentence(place, capsys, bundles, inbox, why):
    folder, _ = place
    (folder / "file").touch()
    path, database = folder / inbox, folder / "labels.sqlite"
    assert main(["watch", str(path), "--bundle", str(bundles), "--db", str(database), "--once"]) == 1
    said = f"the inbox {path} cannot be listed ({why}); make it, or name the folder where images arrive"
    assert capsys.readouterr().err == f"nearlabel watch: {said}\n" and not database.exists()


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
