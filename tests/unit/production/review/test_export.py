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
    assert list(rows[0]) == ["image_id", "label", "annotator", "time", "seconds"]
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
    assert export.answers() == ({export.id(0): "skip"}, 0)
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
    writes = []

    def write_state(*arguments):
        # The second says that the files are there.
        writes.append(arguments)
        return write(*arguments) if len(writes) == 1 else 1 / 0

    write = review_export.write_state
    with monkeypatch.context() as patch:
        patch.setattr(review_export, "write_state", write_state)
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
    assert export.answers() == ({export.id(0): before or "skip"}, 0)
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
    assert export.run().rows == 1 and export.answers() == ({export.id(0): "skip"}, 0)
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
    assert export.answers() == ({export.id(0): "skip", export.id(1): "pit"}, 0)


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
    with pytest.raises(OSError, match="labels"):
        export.run()
    assert export.waiting() == 1


def test_files_are_named_as_those_of_the_labelling_page():
    time = datetime(2026, 11, 28, 7, 3, 4, 56_789, tzinfo=UTC)
    assert labels_name("Zoë B. / 2", time) == "labels-Zoë_B_2-20261128T070304056Z.csv"
    assert labels_name("../..", time) == "labels-unnamed-20261128T070304056Z.csv"
    assert len(labels_name("é" * 90, time)) < 80
