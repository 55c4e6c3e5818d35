import io
import json
import random
import shutil

import pytest
from PIL import Image

from helpers.review_pages import LineDatabase
from nearlabel.production.review.connections import Database
from nearlabel.production.review.events import Cursor, parse_cursor, read_changes, read_cursor, read_events
from nearlabel.production.review.filters import Filters, parse_filters
from nearlabel.production.review.pictures import as_shown, decode_shown, find_registered, read_registered
from nearlabel.production.review.rows import file_name, read_choices, read_image, read_page, read_words
from nearlabel.production.review.words import Word, record_words


@pytest.fixture
def line(tmp_path):
    line = LineDatabase(tmp_path, 60)
    for number in (3, 10, 20):
        line.relabel(number, label="rare", novel=False)
    database = Database(line.path)
    words = [line.word(0), line.word(1), line.word(7, "correct", label="other"), line.word(8, "correct", label="pit")]
    record_words(database, "Ada", [Word(**one) for one in words])
    record_words(database, "Ada", [Word(**line.word(1, "undo", undoes=words[1]["request"]))])
    database.close()
    return line


def walk(connection, filters, count=7):
    """All images, page by page."""
    found, before = [], None
    while True:
        page = read_page(connection, filters, before, count)
        found += page["images"]
        before = page["next"]
        if before is None:
            return found
        assert len(page["images"]) == count


def test_pages_hold_every_image_once_by_its_latest_label(line):
    found = walk(line.connection, Filters())
    assert len(found) == 60 and {one["image"] for one in found} == set(line.images)
    ids = [one["label_id"] for one in found]
    assert ids == sorted(ids, reverse=True)
    assert [(one["label"], one["bundle"]) for one in found[:3]] == [("rare", 2)] * 3


def test_images_that_come_while_someone_reads_on_shift_no_page(line):
    first = read_page(line.connection, Filters(), None, 10)
    line.add(25)
    second = read_page(line.connection, Filters(), first["next"], 10)
    assert not {one["image"] for one in first["images"]} & {one["image"] for one in second["images"]}
    assert second["images"][0]["label_id"] < first["images"][-1]["label_id"]


# As the rows say by themselves.
FITS = {
    "label": lambda one, value: one["label"] == value or (one["word"] or {}).get("label") == value,
    "group": lambda one, value: one["node"] == value or one["node"].startswith(f"{value}."),
    "camera": lambda one, value: one["camera"] == value,
    "doubt": lambda one, value: (
        one["confidence"] is not None and not one["novel"] and len(one["set"]) != 1 and one["label"] != ""
    ),
    "novel": lambda one, value: one["novel"],
    "unreviewed": lambda one, value: one["word"] is None,
}
VALUES = {
    "label": ["good", "rare", "other", "none"],
    "group": ["root.0", "root.0.1", "root.0.", "root", "roo"],
    "camera": ["left", "middle"],
    "doubt": [True],
    "novel": [True],
    "unreviewed": [True],
}


def test_filters_choose_what_the_rows_say(line):
    everything = walk(line.connection, Filters())
    rng = random.Random(0)
    sizes = set()
    for _ in range(120):
        names = rng.sample(sorted(FITS), rng.randint(1, 3))
        chosen = {name: rng.choice(VALUES[name]) for name in names}
        found = walk(line.connection, Filters(**chosen))
        expected = [one for one in everything if all(FITS[name](one, value) for name, value in chosen.items())]
        assert found == expected, chosen
        sizes.add(len(found))
    assert len(sizes) > 10


def test_a_label_that_is_in_every_set_makes_no_doubt(line):
    # In doubt are those of good and pit; good is the label of some.
    everything = walk(line.connection, Filters(doubt=True))
    assert len(everything) > 5 and {len(one["set"]) for one in everything} == {2}
    found = walk(line.connection, Filters(doubt=True, always=("pit",)))
    assert found == [one for one in everything if one["label"] == "pit"] and 0 < len(found) < len(everything)
    # Nor does a label that was not given, in an adopted group.
    label_id = everything[0]["label_id"]
    line.connection.execute("UPDATE labels SET label = '', label_by = '' WHERE label_id = ?", (label_id,))
    assert [one["label_id"] for one in walk(line.connection, Filters(doubt=True))] == [
        one["label_id"] for one in everything[1:]
    ]


def test_an_image_lies_where_its_latest_file_still_is(tmp_path):
    line = LineDatabase(tmp_path, 2)
    copy = tmp_path / "copy.png"
    shutil.copy(line.files[0], copy)
    line.see_again(0, copy)
    image = line.images[0]
    assert find_registered(line.connection, sha256=image).path == str(copy)
    copy.unlink()
    found = find_registered(line.connection, sha256=image)
    assert found.path == str(line.files[0]) and read_registered(found) == line.files[0].read_bytes()
    line.files[0].unlink()
    assert find_registered(line.connection, sha256=image).path == str(copy)


def test_an_image_is_found_where_a_name_was_given_to_another(tmp_path):
    """The camera wrote another image of the same size under the latest name; the first file is still there."""
    line = LineDatabase(tmp_path, 2)
    copy = tmp_path / "copy.png"
    shutil.copy(line.files[0], copy)
    line.see_again(0, copy)
    copy.write_bytes(bytes(line.files[0].stat().st_size))
    image = line.images[0]
    found = find_registered(line.connection, sha256=image)
    assert found.path == str(line.files[0]) and read_registered(found) == line.files[0].read_bytes()
    # Where no file has it, the latest that is there is named.
    line.files[0].write_bytes(b"another one")
    assert find_registered(line.connection, sha256=image).path == str(copy)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_image_that_is_to_be_turned_is_sent_upright(kind):
    """Browsers turn some kinds as their tags say, and others not; maps of novelty are of the upright image."""
    picture = Image.effect_noise((90, 40), 50).convert("RGB")
    turned, plain = Image.Exif(), Image.Exif()
    turned[0x0112], plain[0x0112] = 6, 1
    for tags, size in ((turned, (40, 90)), (plain, (90, 40)), (None, (90, 40))):
        file = io.BytesIO()
        picture.save(file, kind, **({} if tags is None else {"exif": tags}))
        shown, media = as_shown(file.getvalue(), "RGB")
        assert (shown == file.getvalue()) == (tags is not turned)
        assert media == ("image/png" if tags is turned else f"image/{kind.lower()}")
        assert Image.open(io.BytesIO(shown)).size == size and decode_shown(file.getvalue()).size == size


def test_events_choose_their_images(line):
    window = line.event("drift", "Brighter.", [])
    line.connection.execute("UPDATE events SET first_label = 11, last_label = 20, detail = '{}'")
    named = line.event("proposal", "New group.", [5, 11], node="root.4")
    broken = line.event("quarantine", "Not whole.")
    line.connection.execute("UPDATE events SET detail = '[1]' WHERE event_id = ?", (broken,))
    # Image 11 was labelled again, by label 62; both are the proposal's.
    assert [one["label_id"] for one in walk(line.connection, Filters(event=named))] == [62, 5]
    assert [one["label_id"] for one in walk(line.connection, Filters(event=window))] == [
        id for id in range(20, 10, -1) if id != 11
    ]
    assert walk(line.connection, Filters(event=broken)) == walk(line.connection, Filters(event=99)) == []
    found = {one["kind"]: one for one in read_events(line.connection)}
    assert found["drift"]["images"] == 10 and found["quarantine"]["images"] == 0
    assert (found["proposal"]["images"], found["proposal"]["answered"], found["proposal"]["node"]) == (2, 0, "root.4")


def test_an_image_in_full(line):
    line.relabel(0, 3, label="pit")
    found = read_image(line.connection, line.images[0])
    assert [(one["bundle"], one["label"]) for one in found["labels"]] == [(3, "pit"), (1, "good")]
    assert [(one["action"], one["undone"]) for one in found["words"]] == [("confirm", False)]
    assert found["lineage"] == ["root.0", "root.0.1"] and found["neighbors"][0]["label"] == "good"
    assert found["seen"][0]["path"] == "part_0000.png" and str(line.folder) not in json.dumps(found)
    undone = read_image(line.connection, line.images[1])["words"]
    assert [(one["action"], one["undone"]) for one in undone] == [("undo", False), ("confirm", True)]
    assert read_image(line.connection, "f" * 64) is None


def test_what_there_is_to_filter_by(line):
    found = read_choices(line.connection)
    assert found["labels"] == ["good", "other", "pit", "rare", "scratch"] and found["images"] == 60
    assert found["cameras"] == ["left", "right"] and found["groups"] == [{"node": "root.0.1", "name": "plain"}]


def test_an_empty_database(tmp_path):
    line = LineDatabase(tmp_path)
    assert read_page(line.connection, Filters(), None) == {"images": [], "next": None}
    assert read_choices(line.connection) == {"labels": [], "groups": [], "cameras": [], "images": 0}
    assert read_changes(line.connection, Cursor()) == (Cursor(), {})


def test_changes_since_a_browser_last_heard(line):
    start = read_cursor(line.connection)
    assert read_changes(line.connection, start) == (start, {})
    line.add(3)
    line.event("drift", "Darker.")
    now, changes = read_changes(line.connection, start)
    assert [one["image"] for one in changes["images"]] == line.images[:-4:-1] and changes["skipped"] == 0
    assert [one["sentence"] for one in changes["events"]] == ["Darker."] and "words" not in changes
    line.add(200)
    _, changes = read_changes(line.connection, now)
    assert len(changes["images"]) == 60 and changes["skipped"] == 140
    _, changes = read_changes(line.connection, now._replace(label=10**9, correction=0))
    assert changes["words"][line.images[1]] is None and changes["words"][line.images[7]]["label"] == "other"


def test_words_that_were_missed_come_in_several_messages(line, monkeypatch):
    monkeypatch.setattr("nearlabel.production.review.events._MOST_WORDS", 3)
    database = Database(line.path)
    record_words(database, "Bo", [Word(**line.word(number, "correct", label="pit")) for number in range(30, 40)])
    database.close()
    now, heard, messages = Cursor(10**9, 5, 10**9), {}, 0
    while (found := read_changes(line.connection, now))[1]:
        now, changes = found
        assert len(changes["words"]) <= 3 and changes["at"] == read_cursor(line.connection).correction
        heard |= changes["words"]
        messages += 1
    assert messages == 4 and set(heard) == set(line.images[30:40]) and now.correction == 15


def test_proposals_are_told_of_however_much_comes_after_them(line):
    named = line.event("proposal", "New group.", [5, 11], node="root.4")
    for number in range(60):
        line.event("quarantine", f"{number}.png: never became whole.")
    found = read_events(line.connection)
    assert len(found) == 51 and found[-1]["id"] == named and found[0]["sentence"].startswith("59")


def test_operators_differ_where_not_all_of_them_can_be_right(line):
    database = Database(line.path)

    def say(number, **words):
        for operator, (action, fields) in words.items():
            record_words(database, operator, [Word(**line.word(number, action, **fields))])
        return read_words(line.connection, [number + 1])[number + 1]["differ"]

    confirm, good, pit = ("confirm", {}), ("correct", {"label": "good"}), ("correct", {"label": "pit"})
    here, there = ("correct", {"node": "root.0.1"}), ("correct", {"node": "root.2"})
    # Of an image that the bundle calls good, in root.0.1.
    assert not say(30, Ada=confirm, Bo=good) and not say(33, Ada=confirm, Bo=here) and not say(36, Ada=good, Bo=here)
    assert say(39, Ada=confirm, Bo=pit) and say(42, Ada=confirm, Bo=there) and say(45, Ada=good, Bo=pit)
    # Of a novel one.
    assert say(44, Ada=confirm, Bo=pit) and not say(49, Ada=confirm, Bo=confirm) and say(54, Ada=there, Bo=confirm)
    database.close()


def test_cursors_are_read_as_they_are_written():
    assert parse_cursor(str(Cursor(1, 2, 3))) == (1, 2, 3)
    assert [parse_cursor(text) for text in ("", "1.2", "1.2.x", "-1.2.3", "1.2.3.4", f"1.2.{2**63}", "\u0661.2.3")] == [
        None
    ] * 7


def test_filters_are_read_from_a_query():
    assert parse_filters({"label": "a", "doubt": "1", "event": "7"}) == Filters(label="a", doubt=True, event=7)
    for wrong in ({"novel": "0"}, {"event": "x"}, {"before": "1"}, {"label": "x" * 201}):
        with pytest.raises(ValueError, match=r"label|novel|event|unknown"):
            parse_filters(wrong)


def test_folders_are_left_out_of_names():
    assert [file_name(path) for path in ("/a/b c.png", r"C:\x\y.png", "z.png")] == ["b c.png", "y.png", "z.png"]
