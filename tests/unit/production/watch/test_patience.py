import sqlite3

import pytest

from helpers.labelled_images import recorded
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.recording import record_batch
from nearlabel.production.watch import patience
from nearlabel.production.watch.patience import Failures, write_patiently


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "labels.sqlite", create=True)


def write(database, rows, is_stopped=lambda: False):
    write_patiently(lambda: record_batch(database, rows, bundle_sha256="ab"), is_stopped=is_stopped)


def test_what_is_wrong_with_the_batch_is_not_waited_for(database):
    write(database, [recorded("/in/a.png", 1)])
    with pytest.raises(sqlite3.IntegrityError):
        write(database, [recorded("/in/b.png", 1)])
    database.execute("DROP TABLE sightings")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        write(database, [recorded("/in/b.png", 2)])


def test_waiting_ends_when_it_is_stopped(database, tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "_SHORTEST_PAUSE_S", 0.01)
    other = open_database(tmp_path / "labels.sqlite")
    other.execute("BEGIN IMMEDIATE")
    database.execute("PRAGMA busy_timeout = 10")
    answers = iter([False, False, False, True, True])
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        write(database, [recorded("/in/a.png", 1)], lambda: next(answers))
    other.execute("ROLLBACK")
    write(database, [recorded("/in/a.png", 1)], lambda: True)
    assert database.execute("SELECT count(*) FROM labels").fetchone()[0] == 1


def fail(failures, names, others_wait=True):
    failures.add(names, [RuntimeError("spoilt") for _ in names], others_wait)


def test_three_images_one_after_another_are_no_accident_where_no_others_wait():
    failures = Failures(300.0, lambda: 0.0)
    fail(failures, ["a", "b"], others_wait=False)
    fail(failures, ["a", "b"], others_wait=False)
    with pytest.raises(RuntimeError, match="one image after another cannot be labelled: spoilt"):
        fail(failures, ["c"], others_wait=False)


def test_as_long_as_others_wait_more_are_tried_but_not_until_they_are_given_up():
    now = [0.0]
    failures = Failures(300.0, lambda: now[0])
    for number in range(99):
        fail(failures, [str(number)])
    with pytest.raises(RuntimeError):
        fail(failures, ["99"])
    failures = Failures(300.0, lambda: now[0])
    fail(failures, ["a", "b", "c"])
    now[0] = 151.0
    with pytest.raises(RuntimeError):
        fail(failures, ["a"])


def test_images_that_failed_before_others_were_labelled_do_not_count_again():
    failures = Failures(300.0, lambda: 0.0)
    fail(failures, ["a", "b", "c"])
    failures.add(["d", "e"], [RuntimeError("spoilt"), "good"], True)
    for _ in range(9):
        fail(failures, ["a", "b", "c", "d"], others_wait=False)
    with pytest.raises(RuntimeError):
        fail(failures, ["f", "g", "h"], others_wait=False)
