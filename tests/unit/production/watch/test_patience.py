import sqlite3

import pytest

from helpers.labelled_images import recorded
from nearlabel.production.database.opening import open_database
from nearlabel.production.watch import patience
from nearlabel.production.watch.patience import record_patiently


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "labels.sqlite", create=True)


def test_what_is_wrong_with_the_batch_is_not_waited_for(database):
    rows = [recorded("/in/a.png", 1)]
    record_patiently(database, rows, is_stopped=lambda: False, bundle_sha256="ab")
    with pytest.raises(sqlite3.IntegrityError):
        record_patiently(database, [recorded("/in/b.png", 1)], is_stopped=lambda: False, bundle_sha256="ab")
    database.execute("DROP TABLE sightings")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        record_patiently(database, [recorded("/in/b.png", 2)], is_stopped=lambda: False, bundle_sha256="ab")


def test_waiting_ends_when_it_is_stopped(database, tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "_SHORTEST_PAUSE_S", 0.01)
    other = open_database(tmp_path / "labels.sqlite")
    other.execute("BEGIN IMMEDIATE")
    database.execute("PRAGMA busy_timeout = 10")
    answers = iter([False, False, False, True, True])
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        record_patiently(database, [recorded("/in/a.png", 1)], is_stopped=lambda: next(answers), bundle_sha256="ab")
    other.execute("ROLLBACK")
    record_patiently(database, [recorded("/in/a.png", 1)], is_stopped=lambda: True, bundle_sha256="ab")
    assert database.execute("SELECT count(*) FROM labels").fetchone()[0] == 1
