import time

import pytest

from helpers.labelled_images import recorded
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.reader import read_state
from nearlabel.production.database.recording import Event, record_batch
from nearlabel.production.outputs import sending
from nearlabel.production.outputs.json_lines import JsonLines
from nearlabel.production.outputs.sending import Cursor, RefusedError, Sender, newest_cursor, read_messages


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


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


class Listed:
    """Keeps messages; fails as often as it is told, takes only some, or refuses those of some numbers."""

    name = key = "listed"

    def __init__(self, failures=0, at_most=1000, begins=None, refuses=()):
        self.got, self.failures, self.at_most, self.begins, self.closed = [], failures, at_most, begins, 0
        self.refuses, self.asked = refuses, []

    def begin(self, cursor, newest, ours):
        return cursor or self.begins or newest

    def send(self, messages):
        if self.failures:
            self.failures -= 1
            raise ConnectionRefusedError("nobody is there")
        for number, message in enumerate(messages[: self.at_most]):
            which = message.get("sighting_id", message["type"])
            self.asked.append(which)
            if which in self.refuses:
                if number:
                    return number
                raise RefusedError("answered 413")
            self.got.append(message)
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
    until(lambda: len(output.got) >= 8)
    sender.finish(20)
    assert output.numbers() == list(range(1, 8))
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "listed: nothing can be sent (nobody is there); trying again, nothing is lost",
        "listed: takes what is sent again",
    ]


def test_what_fails_for_days_is_told_again_from_time_to_time(database, tmp_path, caplog, monkeypatch):
    add(database, 1)
    monkeypatch.setattr(sending, "_TELL_AGAIN_S", 0.05)
    sender = Sender(tmp_path / "labels.sqlite", Listed(failures=10**9, begins=Cursor()))
    sender.start()
    start = time.monotonic()
    until(lambda: len(caplog.records) >= 3)
    assert time.monotonic() - start >= 0.1
    sender.finish(20)
    told = "listed: nothing can be sent (nobody is there); trying again, nothing is lost"
    assert {record.getMessage() for record in caplog.records[:3]} == {told}


def test_a_message_that_is_refused_for_what_it_is_holds_up_no_others(database, tmp_path, caplog):
    add(database, 4)
    output = Listed(begins=Cursor(), refuses={2})
    sender = Sender(tmp_path / "labels.sqlite", output)
    sender.start()
    until(lambda: len(output.got) >= 4)
    sender.finish(20)
    # Refused among others, then alone; and the event of it is sent as any.
    assert output.asked == [1, 2, 2, 3, 4, "event"] and output.numbers() == [1, 3, 4]
    sentence = "listed refuses label 2 of /in/2.png (answered 413); it is passed over, and stays in the database."
    assert output.got[-1]["sentence"] == sentence and output.got[-1]["first_label"] == 2
    assert [record.getMessage() for record in caplog.records] == [sentence]
    assert Cursor.from_bytes(read_state(database, "output:listed")).sighting_id == 4


def test_an_event_that_is_refused_makes_no_further_event(database, tmp_path, caplog):
    add(database, 1, event=True)
    output = Listed(begins=Cursor(), refuses={"event"})
    sender = Sender(tmp_path / "labels.sqlite", output)
    sender.start()
    sender.finish(20)
    assert output.asked == [1, "event", "event"] and "listed refuses event 1 (answered 413)" in caplog.text
    assert newest_cursor(database).event_id == 1


def test_one_that_refuses_all_is_sent_little(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sending, "_SHORTEST_PAUSE_S", 0.05)
    monkeypatch.setattr(sending, "_LONGEST_PAUSE_S", 60.0)
    add(database, 50)
    output = Listed(begins=Cursor(), refuses=set(range(51)))
    sender = Sender(tmp_path / "labels.sqlite", output)
    sender.start()
    until(lambda: output.asked)
    time.sleep(0.5)
    sender.finish(0)
    assert 1 <= len(output.asked) <= 5


def test_a_dead_other_side_does_not_hold_up_the_end(database, tmp_path, caplog):
    sender = Sender(tmp_path / "labels.sqlite", Listed(failures=10**9))
    sender.start()
    add(database, 3)
    until(lambda: sender._failing)
    start = time.monotonic()
    sender.finish(60)
    assert time.monotonic() - start < 5 and "the next start goes on" in caplog.text


@pytest.mark.parametrize("event", [False, True])
def test_two_databases_that_take_turns_with_one_file_are_refused(database, tmp_path, event):
    path, other = tmp_path / "l.jsonl", open_database(tmp_path / "other.sqlite", create=True)
    add(database, 5, event)
    time.sleep(0.002)  # Times are to the millisecond.
    add(other, 7, event)
    for _ in range(2):
        sender = Sender(tmp_path / "labels.sqlite", JsonLines(path))
        sender.start()
        sender.finish(20)
    content = path.read_bytes()
    assert content.count(b"\n") == 5 + event
    path.write_bytes(content + b'{"ty')
    with pytest.raises(ValueError, match=r"l\.jsonl: holds labels of another database; choose another file"):
        Sender(tmp_path / "other.sqlite", JsonLines(path))
    assert path.read_bytes() == content + b'{"ty'


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
