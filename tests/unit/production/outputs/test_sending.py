import time

import pytest

from helpers.labelled_images import recorded
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.recording import Event, record_batch
from nearlabel.production.outputs import sending
from nearlabel.production.outputs.sending import Cursor, Sender, newest_cursor, read_messages


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(sending, "_SHORTEST_PAUSE_S", 0.01)
    monkeypatch.setattr(sending, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(sending, "_LOOK_S", 0.02)


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "labels.sqlite", create=True)


def add(database, count, event=False):
    first = database.execute("SELECT count(*) FROM labels").fetchone()[0] + 1
    rows = [recorded(f"/in/{number}.png", number) for number in range(first, first + count)]
    record_batch(database, rows, bundle_sha256="ab", events=[Event("drift", "Darker.")] * event)


class Listed:
    """Keeps messages; fails as often as it is told, or takes only some."""

    name = key = "listed"

    def __init__(self, failures=0, at_most=1000, begins=None):
        self.got, self.failures, self.at_most, self.begins, self.closed = [], failures, at_most, begins, 0

    def begin(self, cursor, newest):
        return cursor or self.begins or newest

    def send(self, messages):
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("nobody is there")
        self.got += messages[: self.at_most]
        return min(len(messages), self.at_most)

    def close(self):
        self.closed += 1

    def numbers(self):
        return [message["sighting_id"] for message in self.got if message["type"] == "label"]


def test_all_that_comes_is_sent_once_in_order_events_too(database, tmp_path):
    add(database, 3)
    output = Listed(begins=Cursor())
    sender = Sender(tmp_path / "labels.sqlite", output)
    sender.start()
    add(database, 150, event=True)
    sender.wake()
    sender.finish(20)
    assert output.numbers() == list(range(1, 154))
    assert [message["event_id"] for message in output.got if message["type"] == "event"] == [1]
    assert output.closed == 1 and not sender.is_alive()
    assert Cursor.from_bytes(read_state(database, "output:listed")).sighting_id == 153


def test_a_new_output_begins_with_what_comes_from_now_on_and_an_old_one_where_it_ended(database, tmp_path):
    add(database, 3)
    Sender(tmp_path / "labels.sqlite", Listed())  # Killed before it has sent anything.
    add(database, 2)
    output = Listed()
    sender = Sender(tmp_path / "labels.sqlite", output)
    sender.start()
    sender.finish(20)
    assert output.numbers() == [4, 5]


def test_what_fails_is_sent_again_and_nothing_is_missed(database, tmp_path, caplog):
    output = Listed(failures=3, at_most=2)
    caplog.set_level("INFO")
    sender = Sender(tmp_path / "labels.sqlite", output)
    add(database, 7, event=True)
    sender.start()
    while len(output.got) < 8:
        time.sleep(0.01)
    sender.finish(20)
    assert output.numbers() == list(range(1, 8))
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "listed: cannot be reached (nobody is there); trying again, nothing is lost",
        "listed: reached again",
    ]


def test_a_dead_other_side_does_not_hold_up_the_end(database, tmp_path, caplog):
    sender = Sender(tmp_path / "labels.sqlite", Listed(failures=10**9))
    sender.start()
    add(database, 3)
    while not sender._failing:
        time.sleep(0.005)
    start = time.monotonic()
    sender.finish(60)
    assert time.monotonic() - start < 5 and "the next start goes on" in caplog.text


def test_messages_say_how_far_one_has_come_with_them(database):
    add(database, 2, event=True)
    add(database, 1, event=True)
    messages = read_messages(database, Cursor(1, 0), 10)
    assert [(message["type"], message["cursor"]) for message in messages] == [
        ("label", [2, 0]),
        ("label", [3, 0]),
        ("event", [3, 1]),
        ("event", [3, 2]),
    ]
    cursor = Cursor()
    cursor.advance(messages)
    newest = newest_cursor(database)
    assert (cursor.sighting_id, cursor.event_id) == (newest.sighting_id, newest.event_id) == (3, 2)
    assert len(read_messages(database, Cursor(), 1)) == 2
