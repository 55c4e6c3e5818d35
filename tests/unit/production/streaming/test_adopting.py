import logging
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from helpers.bundles import KINDS, UNSEEN, draw_images
from helpers.written_bundles import write_made
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.writing import write_bundle
from nearlabel.production.commands.main import main
from nearlabel.production.database.opening import open_database, transaction
from nearlabel.production.database.recording import Arrival, Event, Recorded, record_batch, write_state
from nearlabel.production.database.said import IDENTITY
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.novelty.distances import NearestReference
from nearlabel.production.streaming.adopting import FAR, adopt
from nearlabel.production.streaming.confirmed import note_of
from nearlabel.production.streaming.proposals import propose


class Line:
    """A line that has labelled strips of known kinds, and some of a kind never seen."""

    def __init__(self, folder, made):
        self.folder, self.database, self.bundles = folder, folder / "labels.sqlite", folder / "bundles"
        shutil.copytree(made.folder / "bundles", self.bundles)
        self.bundle = read_bundle(self.bundles)
        self.known, self.unseen = made.known, made.unseen
        self.connection = open_database(self.database, create=True)
        rows = [*self.known, *self.unseen]
        record_batch(self.connection, rows, bundle=self.bundle.number, bundle_sha256=self.bundle.sha256)

    def propose(self):
        found = propose(self.connection, self.bundle)
        record_batch(self.connection, events=[Event("proposal", one.sentence, one.detail) for one in found])
        return found

    def see_again(self, bundle, rows):
        """Let another bundle label images that came before; returns the new rows."""
        said = Labeller(bundle).label([row.prepared for row in rows])
        again = [
            replace(row, label_id=1000 + row.label_id, labelled=labelled, arrival=replace(row.arrival, mtime_ns=7))
            for row, labelled in zip(rows, said, strict=True)
        ]
        record_batch(self.connection, again, bundle=bundle.number, bundle_sha256=bundle.sha256, state=note_of(bundle))
        return again

    def say(self, row, action, node="", label=""):
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
                "SELECT image_id, label_id, 'anna', '', ?, ?, ?, label_id || ? FROM labels WHERE label_id = ?",
                (action, label, node, action, row.label_id),
            )


class Made(NamedTuple):
    folder: Path
    known: list[Recorded]
    unseen: list[Recorded]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The bundle and what it says of the images: the same for all tests."""
    folder = tmp_path_factory.mktemp("line")
    labeller = Labeller(read_bundle(write_made(folder / "bundles")))
    paths = draw_images(folder, 130, kinds=KINDS, prefix="known")
    paths += draw_images(folder, 14, kinds=(UNSEEN,), prefix="unseen")
    rows = []
    for label_id, path in enumerate(paths, 1):
        image = labeller.prepare(path, shown=True)
        (said,) = labeller.label([image])
        rows.append(Recorded(Arrival(str(path), label_id, image.bytes, "", str(path)), image, said, label_id))
    return Made(folder, rows[:130], rows[130:])


@pytest.fixture
def line(tmp_path, made):
    line = Line(tmp_path, made)
    yield line
    line.connection.close()


def test_an_accepted_group_is_known_afterwards_and_the_past_stays(line):
    (one,) = line.propose()
    assert one.node == "root.3"
    for row in line.unseen[:3]:
        line.say(row, "correct", "root.3", "crazed")
    confirmed = [row for row in line.known if row.labelled.node == "root.1"][:5]
    for row in confirmed:
        line.say(row, "confirm")
    before = [tuple(row) for row in line.connection.execute("SELECT * FROM labels ORDER BY label_id")]
    folder = write_bundle(line.bundles, adopt(line.bundle, line.database, accept=["root.3"]))
    assert [tuple(row) for row in line.connection.execute("SELECT * FROM labels ORDER BY label_id")] == before
    new = read_bundle(folder)
    assert new.number == 2
    assert new.names == line.bundle.names | {"root.3": "crazed"}
    old, root = line.bundle.nodes["root"], new.nodes["root"]
    assert root.counts.tolist() == [old.counts[0], old.counts[1] + 5, old.counts[2], len(one.image_ids)]
    assert np.array_equal(root.centres[[0, 2]], old.centres[[0, 2]])
    toward = np.mean([row.labelled.vector for row in confirmed], axis=0) - old.centres[1]
    assert (root.centres[1] - old.centres[1]) @ toward > 0
    assert set(new.nodes) == set(line.bundle.nodes)
    assert len(new.reference.image_id) == len(line.bundle.reference.image_id) + len(one.image_ids)
    assert new.facts["images"]["line"] == len(one.image_ids)
    assert "root.3 (crazed)" in new.facts["notes"][-1]
    assert "gets no label before the next training" in new.facts["notes"][-1]
    assert new.facts["unlearnt"] == ["root.3"]
    labeller = Labeller(new)
    fresh = draw_images(line.folder / "fresh", 12, kinds=(UNSEEN,), seed=7)
    said = labeller.label([labeller.prepare(path) for path in fresh])
    assert np.mean([one.lineage == ("root.3",) and not one.novel for one in said]) >= 0.75
    # The model has not seen them, and would call them what it knows.
    assert all((one.label == "") == (one.novel or one.lineage == ("root.3",)) for one in said)
    (learnt,) = [one for one in said if one.lineage == ("root.3",)][:1]
    known = Labeller(new._replace(facts=new.facts | {"unlearnt": []}))
    by_model = {one.sha256: one for one in known.label([known.prepare(path) for path in fresh])}
    assert by_model[learnt.sha256].label in new.facts["labels"] and learnt.label_set
    person = Labeller(new._replace(known={learnt.sha256: "scratches"}))
    by_person = [one for one in person.label([person.prepare(path) for path in fresh]) if one.label_by == "person"]
    assert [(one.sha256, one.label) for one in by_person] == [(learnt.sha256, "scratches")]
    assert sum(row.labelled.novel for row in line.unseen) >= 10
    # What was known is grouped as before, but for images beside the centre that has moved.
    again = labeller.label([row.prepared for row in line.known])
    kept = [row.labelled.lineage == one.lineage for row, one in zip(line.known, again, strict=True) if not one.novel]
    assert np.mean(kept) > 0.95


def test_with_nothing_said_there_is_nothing_to_adopt(line):
    line.propose()
    assert adopt(line.bundle, line.database) is None


def test_words_that_moved_an_adopted_bundle_move_it_no_second_time(line):
    write_state(line.connection, IDENTITY, b"this")
    confirmed = [row for row in line.known if row.labelled.node == "root.1"][:5]
    for row in confirmed:
        line.say(row, "confirm")
    new = read_bundle(write_bundle(line.bundles, adopt(line.bundle, line.database)))
    assert new.facts["followed"] == {"this": 5}
    rows = line.see_again(new, confirmed)
    assert adopt(new, line.database) is None
    line.say(rows[0], "confirm")
    content = adopt(new, line.database)
    assert content.nodes["root"].counts[1] == new.nodes["root"].counts[1] + 1
    assert content.facts["followed"] == {"this": 6} and "moved by 1 images" in content.facts["notes"][-1]


def test_words_on_a_proposed_group_alone_move_nothing(line, capsys):
    line.propose()
    for row in line.unseen:
        line.say(row, "correct", "root.3", "crazed")
    assert adopt(line.bundle, line.database) is None
    assert main(["bundle", "adopt", "--in", str(line.bundles), "--db", str(line.database)]) == 0
    assert "--accept takes over groups that were proposed" in capsys.readouterr().out
    # Nor are they among those that moved centres, where some were.
    line.say(next(row for row in line.known if row.labelled.node == "root.1"), "confirm")
    assert "moved by 1 images" in adopt(line.bundle, line.database).facts["notes"][-1]


def test_a_group_is_not_called_by_what_says_that_nobody_knows(line):
    (one,) = line.propose()
    rows = [row for row in line.unseen if row.label_id in one.label_ids]
    for row, label in zip(rows, ("unsure", "skip", "unsure"), strict=False):
        line.say(row, "correct", label=label)
    assert "root.3" not in adopt(line.bundle, line.database, accept=["root.3"]).names
    line.say(rows[3], "correct", label="crazed")
    assert adopt(line.bundle, line.database, accept=["root.3"]).names["root.3"] == "crazed"


def test_a_number_that_was_proposed_before_the_data_set_was_clustered_anew_is_not_accepted(line):
    line.propose()
    anew = line.bundle._replace(sha256="c" * 64, facts=line.bundle.facts | {"clustering": {"sha256": "now", "root": 3}})
    with pytest.raises(ValueError, match=r"'root\.3' was not proposed; there are none beside the groups of bundle 1"):
        adopt(anew, line.database, accept=["root.3"])


def test_a_number_that_was_not_accepted_stays_unused(line):
    (one,) = line.propose()
    later = one._replace(node="root.5")
    record_batch(line.connection, events=[Event("proposal", later.sentence, later.detail)])
    new = read_bundle(write_bundle(line.bundles, adopt(line.bundle, line.database, accept=["root.5"])))
    root = new.nodes["root"]
    assert root.counts.tolist()[3:] == [0, 0, len(one.image_ids)]
    assert (root.centres[3:5] == FAR).all()
    assert new.facts["groups"]["root"] == 4
    labeller = Labeller(new)
    nodes = {said.node for said in labeller.label([row.prepared for row in line.known + line.unseen])}
    assert not nodes & {"root.3", "root.4"}
    assert "root.5" in nodes


def test_words_on_a_number_that_was_not_accepted_make_no_group(line):
    (one,) = line.propose()
    later = one._replace(node="root.5")
    record_batch(line.connection, events=[Event("proposal", later.sentence, later.detail)])
    new = read_bundle(write_bundle(line.bundles, adopt(line.bundle, line.database, accept=["root.5"])))
    rows = line.see_again(new, line.unseen)
    for row in rows[:6]:
        line.say(row, "correct", "root.3")
    content = adopt(new, line.database)
    assert content is None or content.nodes["root"].counts.tolist()[3:5] == [0, 0]
    assert content is None or (content.nodes["root"].centres[3:5] == FAR).all()
    # It can still be accepted, and then it is one.
    accepted = adopt(new, line.database, accept=["root.3"])
    assert accepted.nodes["root"].counts[3] >= 6 and accepted.facts["unlearnt"] == ["root.5", "root.3"]
    with pytest.raises(ValueError, match=r"root\.5 is a group of bundle"):
        adopt(new, line.database, accept=["root.5"])


def test_images_that_an_operator_has_put_elsewhere_are_not_taken(line):
    (one,) = line.propose()
    rows = [row for row in line.unseen if row.label_id in one.label_ids]
    line.say(rows[0], "correct", "root.1")
    line.say(rows[1], "correct", label="good")
    content = adopt(line.bundle, line.database, accept=["root.3"])
    assert content.nodes["root"].counts[3] == len(one.image_ids) - 2
    assert "root.3" not in content.names


def test_images_that_are_gone_are_left_out_and_said(line, caplog):
    (one,) = line.propose()
    rows = [row for row in line.unseen if row.label_id in one.label_ids]
    places = [line.folder / Path(row.arrival.path).name for row in rows]
    for row, place in zip(rows, places, strict=True):
        shutil.copyfile(row.arrival.path, place)
        with transaction(line.connection):
            line.connection.execute("UPDATE images SET path = ? WHERE path = ?", (str(place), row.arrival.path))
    places[0].unlink()
    shutil.copyfile(places[2], places[1])
    with caplog.at_level(logging.WARNING):
        content = adopt(line.bundle, line.database, accept=["root.3"])
    assert len(content.reference.image_id) == len(line.bundle.reference.image_id) + len(rows) - 2
    assert "cannot be read and is left out" in caplog.text
    assert "is another image now and is left out" in caplog.text
    for place in places[2:]:
        place.write_bytes(b"")
    with pytest.raises(ValueError, match=r"root\.3: 0 of its \d+ images lie where they were, and novelty needs 6"):
        adopt(line.bundle, line.database, accept=["root.3"])


@pytest.mark.parametrize(("left", "taken"), [(5, False), (6, True)])
def test_each_image_of_an_accepted_group_has_its_neighbours_in_it(line, left, taken):
    (one,) = line.propose()
    rows = [row for row in line.unseen if row.label_id in one.label_ids]
    for row in rows[left:]:
        with transaction(line.connection):
            line.connection.execute("UPDATE images SET path = 'gone' WHERE path = ?", (row.arrival.path,))
    if not taken:
        with pytest.raises(ValueError, match=r"5 of its \d+ images lie where they were, and novelty needs 6, each"):
            adopt(line.bundle, line.database, accept=["root.3"])
        return
    new = adopt(line.bundle, line.database, accept=["root.3"])
    spreads = NearestReference(new.reference.features).spreads(new.calibration.neighbors)
    group = new.reference.node == "root.3"
    assert group.sum() == 6 and spreads[group].max() < 2 * spreads[~group].max()


@pytest.mark.parametrize(
    ("node", "sentence"),
    [
        ("root.9", r"'root\.9' was not proposed; there are root\.3"),
        ("crazed", r"'crazed' is no group of the root"),
        ("root.1.2", r"'root\.1\.2' is no group of the root"),
    ],
)
def test_what_cannot_be_accepted_is_said(line, node, sentence):
    line.propose()
    with pytest.raises(ValueError, match=sentence):
        adopt(line.bundle, line.database, accept=[node])


def test_the_command_shows_the_line_and_adopts(line, capsys):
    line.propose()
    where = ["--in", str(line.bundles), "--db", str(line.database)]
    assert main(["bundle", "line", *where]) == 0
    out = capsys.readouterr().out
    assert "the latest 144 images of bundle 1" in out and "proposed: root.3" in out
    assert main(["bundle", "adopt", *where, "--accept", "root.3"]) == 0
    said = capsys.readouterr().out
    assert "bundle 2 has the groups" in said and "images of root.3 get no label by it" in said
    assert main(["bundle", "adopt", *where, "--accept", "root.8"]) == 1
    assert "'root.8' was not proposed; there are root.3" in capsys.readouterr().err
    assert main(["bundle", "adopt", *where]) == 0
    assert "nothing to adopt: operators have confirmed no image that bundle 1" in capsys.readouterr().out
