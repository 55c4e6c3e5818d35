import csv
import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from helpers.bundles import make_bundle
from helpers.review_pages import LABELS, LineDatabase
from nearlabel.labelling.answers.reading import read_answers
from nearlabel.production.review import export as review_export
from nearlabel.production.review.connections import Database
from nearlabel.production.review.export import count_waiting, export_words, labels_name
from nearlabel.production.review.reference import TrainingImages
from nearlabel.production.review.words import Word, record_words


class Export:
    def __init__(self, folder, count=10):
        self.line = LineDatabase(folder, count)
        self.database = Database(self.line.path)
        self.labels, self.captured = folder / "labels", folder / "line"

    def say(self, number, action="confirm", operator="Ada", **fields):
        word = Word(**self.line.word(number, action, **fields))
        [result] = record_words(self.database, operator, [word])
        assert result["state"] == "kept"
        return word.request

    def run(self, **options):
        return export_words(self.database, self.labels, self.captured, **options)

    def waiting(self):
        return count_waiting(self.line.connection)

    def answers(self, labels=LABELS):
        """What the workflow reads: label by image, and problems."""
        names = sorted(f"line/{file.name}" for file in self.captured.iterdir()) if self.captured.is_dir() else []
        found = read_answers(self.labels.glob("*.csv"), names, labels)
        current = found.table[found.table["state"] == "current"]
        return dict(zip(current["image_id"], current["label"], strict=True)), len(found.problems)

    def rows(self):
        """All rows of all files."""
        found = []
        for path in sorted(self.labels.iterdir()):
            with open(path, newline="", encoding="utf-8") as file:
                found += csv.DictReader(file)
        return found

    def current(self, number):
        """Label of an image by annotator."""
        table = read_answers(self.labels.glob("*.csv"), [self.id(number)], LABELS).table
        current = table[table["state"] == "current"]
        return dict(zip(current["annotator"], current["label"], strict=True))

    def write_page_answer(self, number, label):
        """What Ada saved on the page to label on, before."""
        self.labels.mkdir(exist_ok=True)
        row = f"{self.id(number)},{label},Ada,2026-01-01T00:00:00.000Z,3"
        path = self.labels / "labels-Ada-20260101T000000000Z.csv"
        path.write_text(f"image_id,label,annotator,time,seconds\n{row}\n", encoding="utf-8")

    def id(self, number):
        return f"line/{self.line.images[number][:20]}.png"


@pytest.fixture
def export(tmp_path):
    made = Export(tmp_path)
    yield made
    made.database.close()


def test_words_become_files_that_the_workflow_reads(export):
    export.say(0)
    export.say(1, "correct", label="pit")
    export.say(2, "correct", label="unsure")
    export.say(3, operator="Bo/../x")
    assert export.waiting() == 4
    done = export.run()
    assert (done.rows, done.images, done.problems, done.without_label) == (4, 4, [], 0)
    assert [name.rsplit("-", 1)[0] for name in done.files] == ["labels-Ada", "labels-Bo_x"]
    assert export.answers() == (
        {export.id(0): "good", export.id(1): "pit", export.id(2): "unsure", export.id(3): "good"},
        0,
    )
    with open(export.labels / done.files[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image_id", "label", "annotator", "time", "seconds", "withdraws"]
    assert {row["annotator"] for row in rows} == {"Ada"}
    for number in range(4):
        copied = (export.captured.parent / export.id(number)).read_bytes()
        assert hashlib.sha256(copied).hexdigest() == export.line.images[number]


def test_nothing_is_exported_twice(export):
    export.say(0)
    assert export.run().rows == 1
    assert export.run() == ([], 0, 0, [], 0) and export.waiting() == 0
    export.say(1)
    done = export.run()
    assert (done.rows, done.images) == (1, 1) and len(list(export.labels.iterdir())) == 2


def test_what_was_taken_back_is_not_exported(export):
    request = export.say(0)
    export.say(0, "undo", undoes=request)
    assert export.run().rows == 0 and export.answers() == ({}, 0)


def test_what_was_taken_back_after_an_export_is_withdrawn(export):
    first = export.say(0, "correct", label="pit")
    export.run()
    second = export.say(0, "correct", label="scratch")
    export.run()
    assert export.answers()[0] == {export.id(0): "scratch"}
    # Another operator takes it back: what stood before stands again.
    export.say(0, "undo", operator="Bo", undoes=second)
    assert export.waiting() == 1 and export.run().rows == 1
    assert export.answers() == ({export.id(0): "pit"}, 0)
    export.say(0, "undo", undoes=first)
    export.run()
    assert export.answers() == ({}, 0)
    export.say(0)
    export.run()
    assert export.answers() == ({export.id(0): "good"}, 0) and export.waiting() == 0


def test_an_image_that_is_not_there_waits(export):
    export.say(0)
    request = export.say(1, "correct", label="pit")
    content = export.line.files[1].read_bytes()
    export.line.files[1].write_bytes(b"another")
    done = export.run()
    assert done.rows == 1 and len(done.problems) == 1 and str(export.line.files[1]) in done.problems[0]
    assert export.waiting() == 1 and export.run().problems == done.problems
    export.say(1, "correct", label="scratch")
    export.line.files[1].write_bytes(content)
    assert export.run().rows == 1 and export.answers()[0][export.id(1)] == "scratch" and export.waiting() == 0
    # And one that was taken back while it waited is no longer waited for.
    export.line.files[2].unlink()
    request = export.say(2)
    assert len(export.run().problems) == 1
    export.say(2, "undo", undoes=request)
    assert export.run() == ([], 0, 0, [], 0) and export.waiting() == 0


def test_images_of_the_data_set_keep_their_name(export):
    export.say(0)
    export.say(1, "correct", label="pit")
    done = export.run(known_as={export.line.images[0]: "good/1 a.png"}.get)
    assert (done.rows, done.images) == (2, 1)
    [file] = export.labels.iterdir()
    assert '"good/1 a.png","good"' in file.read_text(encoding="utf-8")


def test_a_confirmed_novel_image_has_no_label(export):
    export.say(4)
    done = export.run()
    assert (done.rows, done.without_label) == (0, 1) and not export.labels.exists()


def test_an_image_keeps_the_id_under_which_it_was_exported_first(export):
    known_as = {export.line.images[0]: "good/1.png"}.get
    word, other = export.say(0, "correct", label="pit"), export.say(1, "correct", label="pit")
    export.run(known_as=known_as)
    # Without the bundle, or with one that keeps fewer images, and with the file under another name.
    export.say(0, "undo", undoes=word)
    export.say(1, "undo", undoes=other)
    export.line.connection.execute("UPDATE images SET path = path || '.bmp'")
    for file in export.line.files:
        file.rename(f"{file}.bmp")
    assert export.run().rows == 2 and len(list(export.captured.iterdir())) == 1
    export.say(2)
    export.run()
    again = export.say(2, "correct", label="scratch")
    # And where the data set has it by now.
    export.run(known_as={export.line.images[2]: "good/3.png"}.get)
    export.say(2, "undo", undoes=again)
    export.run()
    ids = {row["image_id"] for row in export.rows()}
    assert ids == {"good/1.png", export.id(1), f"line/{export.line.images[2][:20]}.bmp"}
    found = read_answers(export.labels.glob("*.csv"), sorted(ids), LABELS)
    current = found.table[found.table["state"] == "current"]
    assert list(zip(current["image_id"], current["label"], strict=True)) == [
        (f"line/{export.line.images[2][:20]}.bmp", "pit")
    ]


def test_a_confirmation_as_novel_follows_the_label_that_was_exported(export):
    export.say(4, "correct", label="pit")
    export.run()
    novel = export.say(4)
    done = export.run()
    assert (done.rows, done.without_label) == (1, 1) and export.answers() == ({export.id(4): "skip"}, 0)
    assert export.waiting() == 0 and export.run().rows == 0
    # What only names the group changes nothing.
    export.say(4, "correct", node="root.1")
    assert export.waiting() == 0
    export.say(4, "undo", undoes=novel)
    assert export.waiting() == 1 and export.run().rows == 1 and export.answers() == ({export.id(4): "pit"}, 0)


def test_a_confirmation_as_novel_is_taken_back_too(export):
    export.write_page_answer(4, "scratch")
    words = [export.say(4, "correct", label="pit")]
    export.run()
    words.append(export.say(4))
    export.run()
    assert export.answers() == ({export.id(4): "skip"}, 0)
    export.say(4, "undo", undoes=words[0])
    assert export.run().rows == 0
    export.say(4, "undo", undoes=words[1])
    assert export.waiting() == 1 and export.run().rows == 1
    assert export.answers() == ({export.id(4): "scratch"}, 0) and export.waiting() == 0


def test_a_word_taken_back_leaves_what_the_operator_said_on_the_page_to_label_on(export):
    export.write_page_answer(0, "pit")
    # Of another operator, who keeps what was said here.
    export.say(0, "correct", label="scratch", operator="Bo")
    first = export.say(0, "correct", label="good")
    export.run()
    second = export.say(0, "correct", label="scratch")
    export.run()
    export.say(0, "undo", undoes=second)
    export.run()
    assert export.current(0) == {"Ada": "good", "Bo": "scratch"}
    export.say(0, "undo", undoes=first)
    export.run()
    assert export.current(0) == {"Ada": "pit", "Bo": "scratch"}
    # Programs that know nothing of withdrawals see that nothing stands.
    last = max((row for row in export.rows() if row["annotator"] == "Ada"), key=lambda row: row["time"])
    assert last["label"] == "skip" and len(last["withdraws"].split()) >= 3
    export.say(0, "correct", label="scratch")
    export.run()
    assert export.current(0) == {"Ada": "scratch", "Bo": "scratch"}


def test_a_label_that_was_taken_back_is_not_in_a_later_word_on_the_group(export):
    word = export.say(0, "correct", label="pit")
    export.say(0, "correct", node="root.1")
    export.run()
    assert export.answers() == ({export.id(0): "pit"}, 0)
    export.say(0, "undo", undoes=word)
    export.run()
    assert export.answers() == ({}, 0)


def test_a_copy_that_was_changed_is_written_again(export):
    export.say(0)
    export.run()
    target = export.captured.parent / export.id(0)
    content = target.read_bytes()
    target.write_bytes(b"x" * len(content))
    export.say(0, "correct", label="pit")
    assert export.run().images == 1 and target.read_bytes() == content
    export.say(0, "correct", label="scratch")
    assert export.run().images == 0


def die_after_the_files(export, monkeypatch):
    saved = []

    def save_state(*arguments):
        # The second time says that the files are there.
        saved.append(arguments)
        return save(*arguments) if len(saved) == 1 else 1 / 0

    save = review_export._save_state
    with monkeypatch.context() as patch:
        patch.setattr(review_export, "_save_state", save_state)
        with pytest.raises(ZeroDivisionError):
            export.run()


def test_a_kill_between_the_file_and_the_database_doubles_nothing(export, monkeypatch):
    export.say(0)
    export.say(1, "correct", label="pit")
    die_after_the_files(export, monkeypatch)
    assert export.run().rows == 2 and len(list(export.labels.iterdir())) == 2
    assert export.answers() == ({export.id(0): "good", export.id(1): "pit"}, 0)


@pytest.mark.parametrize("before", [None, "scratch"])
def test_what_a_killed_export_wrote_is_withdrawn_when_it_is_taken_back(export, monkeypatch, before):
    if before:
        export.say(0, "correct", label=before)
        export.run()
    word = export.say(0, "correct", label="pit")
    die_after_the_files(export, monkeypatch)
    assert export.answers()[0] == {export.id(0): "pit"}
    export.say(0, "undo", undoes=word)
    assert export.waiting() == 1 and export.run().rows == 1
    assert export.answers() == ({export.id(0): before} if before else {}, 0)
    assert export.waiting() == 0 and export.run().rows == 0


def test_what_a_killed_export_wrote_is_withdrawn_though_its_image_was_away_meanwhile(export, monkeypatch):
    word = export.say(0, "correct", label="pit")
    die_after_the_files(export, monkeypatch)
    export.say(0, "undo", undoes=word)
    away = export.line.files[0].with_suffix(".away")
    for file in (export.line.files[0], *export.captured.iterdir()):
        shutil.copy(file, away)
        file.unlink()
    assert len(export.run().problems) == 1 and export.run().rows == 0
    away.rename(export.line.files[0])
    assert export.run().rows == 1 and export.answers() == ({}, 0)
    assert export.run().rows == 0


def test_where_one_operators_file_cannot_be_written_the_others_is_not_forgotten(export, monkeypatch):
    word = export.say(0, "correct", label="pit", operator="anna")
    export.say(1, "correct", label="pit", operator="bert")
    write = review_export._write_rows

    def full(folder, operator, rows):
        if operator == "bert":
            raise OSError(28, "No space left on device")
        return write(folder, operator, rows)

    with monkeypatch.context() as patch:
        patch.setattr(review_export, "_write_rows", full)
        with pytest.raises(OSError, match="No space"):
            export.run()
    export.say(0, "undo", operator="anna", undoes=word)
    assert export.run().rows == 2
    assert export.answers() == ({export.id(1): "pit"}, 0)


def test_one_export_at_a_time(export):
    for number in range(6):
        export.say(number, "correct", label="pit")
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda _: export.run().rows, range(3)))
    assert sorted(done) == [0, 0, 6]


def test_images_of_an_adopted_group_are_copied(export, tmp_path):
    bundle = make_bundle(tmp_path / "bundle")
    image = export.line.images[0]
    sha256, names = bundle.reference.sha256.copy(), bundle.reference.image_id.copy()
    sha256[0], names[0] = image, f"line/{image[:20]}.png"
    training = TrainingImages(bundle._replace(reference=bundle.reference._replace(sha256=sha256, image_id=names)))
    export.say(0, "correct", label="pit")
    done = export.run(known_as=training.image_id)
    assert done.rows == done.images == 1 and export.answers() == ({export.id(0): "pit"}, 0)


def test_a_folder_that_cannot_be_written_leaves_the_words_waiting(export):
    export.say(0)
    export.labels.write_text("a file")
    with pytest.raises(OSError, match=r"labels cannot be written \(it is no folder\).* by --labels or --line"):
        export.run()
    shutil.rmtree(export.captured)
    export.captured.write_text("a file")
    with pytest.raises(OSError, match=r"line cannot be written \(it is no folder\).* by --labels or --line"):
        export.run()
    for folder in (export.labels, export.captured):
        folder.unlink()
    assert export.waiting() == 1 and export.run().rows == 1


def test_files_are_named_as_those_of_the_labelling_page():
    time = datetime(2026, 11, 28, 7, 3, 4, 56_789, tzinfo=UTC)
    assert labels_name("Zoë B. / 2", time) == "labels-Zoë_B_2-20261128T070304056Z.csv"
    assert labels_name("../..", time) == "labels-unnamed-20261128T070304056Z.csv"
    assert len(labels_name("é" * 90, time)) < 80
