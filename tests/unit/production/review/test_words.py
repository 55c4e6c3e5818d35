import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers.review_pages import LABELS, LineDatabase
from nearlabel.production.review import connections
from nearlabel.production.review.connections import BusyDatabaseError, Database
from nearlabel.production.review.rows import read_words
from nearlabel.production.review.words import Word, clean_name, name_event, record_words


@pytest.fixture
def line(tmp_path):
    return LineDatabase(tmp_path, 12)


@pytest.fixture
def database(line):
    found = Database(line.path)
    yield found
    found.close()


def word(line, number, action="confirm", **fields):
    return Word(**(line.word(number, action) | fields))


def standing(line, number):
    return read_words(line.connection, [number + 1]).get(number + 1)


def test_a_confirmation_holds_what_was_seen(line, database):
    [kept] = record_words(database, "Ada", [word(line, 0)])
    assert (kept["state"], kept["word"]["label"], kept["word"]["node"]) == ("kept", "good", "root.0.1")
    # What a later bundle says changes nothing in what was confirmed.
    line.relabel(0, label="pit")
    assert standing(line, 0)["label"] == "good"
    [row] = line.corrections()
    assert (row["label_id"], row["action"], row["operator"]) == (1, "confirm", "Ada")


def test_the_same_word_sent_again_is_one_row(line, database):
    sent = [word(line, 0), word(line, 1, "correct", label="pit")]
    first, second = record_words(database, "Ada", sent), record_words(database, "Ada", sent)
    # The second time the table is further: both words are in it.
    assert [one["at"] for one in first + second] == [1, 2, 2, 2]
    assert [one["word"] for one in first] == [one["word"] for one in second] and len(line.corrections()) == 2
    # Another word under the same request is not taken for it.
    [result] = record_words(database, "Ada", [word(line, 5, request=sent[0].request)])
    assert result["state"] == "refused" and len(line.corrections()) == 2


def test_undo_is_a_row_and_the_word_before_stands_again(line, database):
    first, second = word(line, 0, "correct", label="pit"), word(line, 0, "correct", label="scratch")
    record_words(database, "Ada", [first, second])
    undo = word(line, 0, "undo", undoes=second.request)
    [result] = record_words(database, "Bo", [undo])
    assert result["word"]["label"] == "pit" and len(line.corrections()) == 3
    # Two operators take the same word back: the second one finds it done.
    [again] = record_words(database, "Ada", [word(line, 0, "undo", undoes=second.request)])
    assert again["state"] == "kept" and len(line.corrections()) == 3
    record_words(database, "Ada", [word(line, 0, "undo", undoes=first.request)])
    assert standing(line, 0) is None
    [result] = record_words(database, "Ada", [word(line, 0, "undo", undoes=undo.request)])
    assert result["state"] == "refused"


def test_a_label_and_a_group_are_said_one_after_the_other(line, database):
    record_words(database, "Bo", [word(line, 0, "correct", label="pit")])
    record_words(database, "Ada", [word(line, 0, "correct", label="scratch")])
    [result] = record_words(database, "Ada", [word(line, 0, "correct", node="root.2")])
    assert (result["word"]["label"], result["word"]["node"]) == ("scratch", "root.2")
    assert result["word"]["differ"] is True and result["word"]["operator"] == "Ada"


def test_what_was_said_is_written_and_put_together_where_it_is_read(line, database):
    label, group = word(line, 0, "correct", label="pit"), word(line, 0, "correct", node="root.1")
    record_words(database, "Ada", [label, group])
    assert [(row["label"], row["node"]) for row in line.corrections()] == [("pit", ""), ("", "root.1")]
    assert (standing(line, 0)["label"], standing(line, 0)["node"]) == ("pit", "root.1")
    # Taken back in the history, the label is in no later word.
    record_words(database, "Ada", [word(line, 0, "undo", undoes=label.request)])
    assert (standing(line, 0)["label"], standing(line, 0)["node"]) == ("", "root.1")


def test_who_corrects_the_label_that_was_confirmed_has_not_said_the_group(line, database):
    slip = word(line, 0)
    record_words(database, "Ada", [slip, word(line, 0, "correct", label="scratch")])
    assert (standing(line, 0)["label"], standing(line, 0)["node"]) == ("scratch", "")
    # Who corrects the group leaves the label that was confirmed.
    record_words(database, "Ada", [word(line, 1), word(line, 1, "correct", node="root.2")])
    assert (standing(line, 1)["label"], standing(line, 1)["node"]) == (LABELS[1], "root.2")
    # A confirmation says all anew.
    record_words(database, "Ada", [word(line, 1)])
    assert (standing(line, 1)["label"], standing(line, 1)["node"]) == (LABELS[1], "root.0.1")


@pytest.mark.parametrize(
    "changes",
    [{"image": "f" * 64}, {"label_id": 2}, {"label_id": 999}, {"action": "undo", "undoes": "r" * 32}],
)
def test_words_on_nothing_are_refused_alone(line, database, changes):
    good, bad = word(line, 1), word(line, 0, **changes)
    results = record_words(database, "Ada", [bad, good])
    assert [one["state"] for one in results] == ["refused", "kept"] and results[0]["reason"]
    assert len(line.corrections()) == 1


def test_times_of_an_image_grow_although_the_clock_goes_back(line, database):
    record_words(database, "Ada", [word(line, 0)])
    line.connection.execute("UPDATE corrections SET time = '2999-01-01T00:00:00.000Z'")
    record_words(database, "Ada", [word(line, 0, "correct", label="pit"), word(line, 0, "correct", label="good")])
    assert [row["time"][20:] for row in line.corrections()] == ["000Z", "001Z", "002Z"]


def test_a_proposal_is_named_at_once(line, database):
    event = line.event("proposal", "New.", [5, 10], node="root.7")
    results, reason = name_event(database, "Ada", event, "crazing", "q" * 32)
    assert not reason and [one["word"]["node"] for one in results] == ["root.7"] * 2
    again, _ = name_event(database, "Ada", event, "crazing", "q" * 32)
    assert [one["word"] for one in again] == [one["word"] for one in results]
    rows = line.corrections()
    assert [(row["image_id"], row["label"], row["action"]) for row in rows] == [
        (5, "crazing", "correct"),
        (10, "crazing", "correct"),
    ]
    # Each can be taken back by itself.
    record_words(database, "Ada", [word(line, 4, "undo", undoes=results[0]["request"])])
    assert standing(line, 4) is None and standing(line, 9)["label"] == "crazing"
    assert name_event(database, "Ada", line.event("drift", "x", [1]), "a", "p" * 32)[1]
    assert name_event(database, "Ada", 99, "a", "p" * 32)[1]
    assert name_event(database, "Ada", line.event("proposal", "None.", [777]), "a", "p" * 32)[1]


def test_operators_and_a_watcher_at_once_lose_nothing(line, database):
    """Each of four operators says 40 words, every one sent twice, while images come."""
    other = Database(line.path)
    stop = threading.Event()

    def watch():
        while not stop.is_set():
            line.add(5)

    watcher = threading.Thread(target=watch)
    watcher.start()

    def speak(operator):
        # Two servers, as on two machines.
        for turn in range(40):
            sent = [word(line, turn % 12, "correct", label=f"{operator}-{turn}")]
            for _ in range(2):
                [result] = record_words((database, other)[operator % 2], f"operator {operator}", sent)
                assert result["state"] == "kept"

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(speak, range(4)))
    stop.set()
    watcher.join()
    other.close()
    rows = line.corrections()
    assert len(rows) == 160 and len({row["label"] for row in rows}) == 160
    labels = line.connection.execute("SELECT count(*), count(DISTINCT image_id) FROM labels").fetchone()
    assert tuple(labels) == (len(line.images),) * 2 and len(line.images) > 12


def test_a_busy_database_is_waited_for_and_then_said(line, monkeypatch):
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0)
    database = Database(line.path)
    blocker = sqlite3.connect(line.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(BusyDatabaseError):
        record_words(database, "Ada", [word(line, 0)])
    blocker.execute("ROLLBACK")
    assert record_words(database, "Ada", [word(line, 0)])[0]["state"] == "kept"
    database.close(), blocker.close()


def test_an_error_in_a_batch_writes_nothing(line, database, monkeypatch):
    seen = []

    def read_once(*arguments):
        seen.append(arguments)
        return 1 / 0 if len(seen) > 1 else {}

    with monkeypatch.context() as patch:
        patch.setattr("nearlabel.production.review.words.read_words", read_once)
        with pytest.raises(ZeroDivisionError):
            record_words(database, "Ada", [word(line, 0), word(line, 1)])
    assert line.corrections() == []
    assert record_words(database, "Ada", [word(line, 0)])[0]["state"] == "kept"


@pytest.mark.parametrize(
    ("text", "name"), [(" cafe\u0301 ", "caf\u00e9"), ("👩\u200d🔧", "👩\u200d🔧"), ("a b", "a b")]
)
def test_names_have_one_form(text, name):
    assert clean_name("label", text) == name


@pytest.mark.parametrize("text", ["", " \n", "a\nb", "a\u202eb", "\ufeff", "x" * 101, "\ud800"])
def test_names_that_are_none(text):
    with pytest.raises(ValueError, match="label"):
        clean_name("label", text)
