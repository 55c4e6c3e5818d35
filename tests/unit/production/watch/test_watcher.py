import itertools
import json
import math
import os
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.labelled_images import labelled, prepared
from helpers.watching import TORN, QuickLabeller, Watching
from nearlabel.production.database import recording
from nearlabel.production.database.opening import transaction
from nearlabel.production.database.recording import Event
from nearlabel.production.drift.monitor import DriftMonitor
from nearlabel.production.streaming.shadow import Shadow
from nearlabel.production.watch import outgoing, patience, settling, watcher
from nearlabel.production.watch.inbox import PathFacts


def test_what_is_there_is_labelled_the_oldest_first(tmp_path):
    watching = Watching(tmp_path, once=True)
    for age, name in enumerate(("c.png", "left/b.png", "a.png")):
        os.utime(watching.put(name), ns=(age, age))
    watching.once()
    paths = watching.all("SELECT path FROM sightings ORDER BY sighting_id")
    assert [os.path.relpath(path, watching.inbox) for (path,) in paths] == ["c.png", "left/b.png", "a.png"]
    assert watching.all("SELECT label_id FROM sightings ORDER BY 1") == [(1,), (2,), (3,)]
    assert (watching.count("images"), watching.count("labels"), watching.count("events")) == (3, 3, 0)


def test_files_that_arrive_are_labelled_and_known_ones_never_opened_again(tmp_path):
    with Watching(tmp_path) as watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM labels", 1)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 2)
    again = Watching(tmp_path, once=True)
    again.put("c.png")
    again.once()
    assert again.labeller.labelled == [str(again.inbox / "c.png")] and again.count("sightings") == 3


def test_the_same_bytes_again_are_one_image_and_one_label(tmp_path):
    watching = Watching(tmp_path, once=True, facts=PathFacts(camera_from="^(.*)/"))
    for name in ("left/a.png", "right/a.png", "left/b.png"):
        watching.put(name, b"same")
    watching.once()
    assert (watching.count("images"), watching.count("labels"), watching.count("sightings")) == (1, 1, 3)
    assert len(watching.labeller.labelled) == 1
    assert watching.all("SELECT label_id, camera FROM sightings ORDER BY camera") == [
        (1, "left"),
        (1, "left"),
        (1, "right"),
    ]


def test_a_file_that_is_overwritten_is_another_sighting(tmp_path):
    with Watching(tmp_path) as watching:
        watching.put("latest.png", b"first")
        watching.until("SELECT count(*) FROM sightings", 1)
        watching.put("latest.png", b"second")
        watching.until("SELECT count(*) FROM sightings", 2)
        assert watching.count("images") == 2


def test_a_file_that_cannot_be_read_waits_and_becomes_an_event(tmp_path):
    with Watching(tmp_path) as watching:
        path = watching.put("torn.png", TORN)
        watching.put("good.png")
        watching.until("SELECT count(*) FROM events", 1)
        assert path.exists() and watching.count("labels") == 1
        sentence, detail = watching.all("SELECT sentence, detail FROM events WHERE kind = 'quarantine'")[0]
        assert sentence.startswith(
            "torn.png cannot be labelled: the file ends too early; it stays, and is tried again when it changes"
        )
        assert json.loads(detail) == {"path": str(path), "reason": "the file ends too early", "moved": ""}
        watching.put("torn.png", b"whole now")
        watching.until("SELECT count(*) FROM labels", 2)
    again = Watching(tmp_path, once=True).once()
    assert again.count("events") == 1 and again.labeller.labelled == []


def test_a_file_that_becomes_whole_in_time_is_no_event(tmp_path):
    with Watching(tmp_path, give_up_s=30) as watching:
        path = watching.put("a.png", TORN)
        while not watching.watcher._scanner.waiting:
            pass
        path.write_bytes(b"whole")
        watching.until("SELECT count(*) FROM labels", 1)
        assert watching.count("events") == 0


def test_files_are_moved_to_the_quarantine_with_the_reason(tmp_path):
    with Watching(tmp_path, quarantine=tmp_path / "bad") as watching:
        path = watching.put("left/torn.png", TORN)
        watching.until("SELECT count(*) FROM events", 1)
    moved = tmp_path / "bad/left/torn.png"
    assert moved.read_bytes() == TORN and not path.exists()
    assert (tmp_path / "bad/left/torn.png.reason.txt").read_text() == "the file ends too early\n"
    assert watching.all("SELECT path, moved FROM quarantined") == [(str(path), str(moved))]


def test_links_are_given_up_and_left(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    with Watching(tmp_path, quarantine=tmp_path / "bad") as watching:
        (watching.inbox / "link.png").symlink_to(tmp_path / "secret.png")
        watching.until("SELECT count(*) FROM events", 1)
    assert (watching.inbox / "link.png").is_symlink() and list((tmp_path / "bad").iterdir()) == []
    assert "a link, which is not followed" in watching.one("SELECT reason FROM quarantined")


def test_a_file_without_permission_is_given_up(tmp_path, monkeypatch):
    with Watching(tmp_path) as watching:
        real = watching.labeller.prepare

        def prepare(path, **options):
            raise PermissionError(13, "Permission denied") if path.endswith("a.png") else AssertionError(real)

        watching.labeller.prepare = prepare
        watching.put("a.png")
        watching.until("SELECT count(*) FROM quarantined", 1)
    assert "Permission denied" in watching.one("SELECT reason FROM quarantined")


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path):
    class Slow(QuickLabeller):
        reads = 0

        def prepare(self, path, **options):
            found = super().prepare(path, **options)
            self.reads += 1
            if self.reads == 1:
                with open(path, "ab") as file:
                    file.write(b" and more")
            return found

    watching = Watching(tmp_path, Slow(), give_up_s=30)
    watching.put("a.png", b"first")
    with watching:
        watching.until("SELECT count(*) FROM labels", 1)
    assert watching.all("SELECT bytes FROM sightings") == [(len(b"first and more"),)]


def test_memory_is_bounded_whatever_the_drop(tmp_path):
    batch, workers = 4, 2
    watching = Watching(tmp_path, QuickLabeller(), once=True, batch=batch, workers=workers)
    for number in range(600):
        watching.put(f"{number % 7}/{number:04d}.png")
    watching.once()
    assert watching.count("labels") == 600
    # Those that are ready, those that the threads hold, and those that are being labelled.
    assert watching.labeller.most <= (2 * batch + workers) + batch
    assert watching.watcher._tasks.maxsize == 2 * batch


def test_labelled_files_are_archived_and_the_database_follows(tmp_path):
    archive = tmp_path / "archive"
    with Watching(tmp_path, archive=archive) as watching:
        first = watching.put("left/a.png", b"first")
        watching.until("SELECT count(*) FROM labels", 1)
    day = watching.one("SELECT substr(time, 1, 10) FROM sightings")
    place = archive / day / "left/a.png"
    assert place.read_bytes() == b"first" and not first.exists()
    assert watching.all("SELECT path, archived FROM sightings") == [(str(first), str(place))]
    assert watching.one("SELECT path FROM images") == str(place)
    with Watching(tmp_path, archive=archive) as watching:
        watching.put("left/a.png", b"second")
        watching.until("SELECT count(*) FROM labels", 2)
        mtime_ns = watching.one("SELECT max(mtime_ns) FROM sightings")
    assert (archive / day / f"left/a.{mtime_ns}.png").read_bytes() == b"second" and place.read_bytes() == b"first"


def test_an_archive_within_the_inbox_is_not_watched(tmp_path):
    with Watching(tmp_path, archive=tmp_path / "inbox/done") as watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM labels", 1)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 2)
    assert watching.count("sightings") == 2


@pytest.mark.parametrize("kind", ["archive", "quarantine"])
def test_killed_between_transaction_and_move_the_next_start_moves(tmp_path, kind, monkeypatch):
    def killed(*_, **__):
        raise SystemExit

    folder = tmp_path / kind
    watching = Watching(tmp_path, **{kind: folder})
    path = watching.put("a.png", TORN if kind == "quarantine" else b"first")
    with monkeypatch.context() as patched:
        patched.setattr("nearlabel.production.watch.outgoing.move_file", killed)
        with pytest.raises(SystemExit):
            watching.watcher.run()
    watching.writer.close()
    assert path.exists()
    again = Watching(tmp_path, **{kind: folder}, once=True).once()
    assert not path.exists() and again.labeller.labelled == [] and again.count("events") == (kind == "quarantine")
    moved = again.one(f"SELECT {'archived FROM sightings' if kind == 'archive' else 'moved FROM quarantined'}")
    assert os.path.exists(moved) and moved.startswith(str(folder))


def test_an_archive_that_is_asked_for_later_takes_what_lies_there(tmp_path):
    watching = Watching(tmp_path, once=True)
    path = watching.put("a.png")
    watching.once()
    again = Watching(tmp_path, once=True, archive=tmp_path / "archive").once()
    [(archived, place)] = again.all("SELECT archived, images.path FROM sightings JOIN images USING (image_id)")
    assert archived == place and os.path.exists(place) and not path.exists() and again.count("sightings") == 1


def test_other_bytes_under_a_name_time_and_size_that_are_known_are_labelled(tmp_path):
    """As cameras on shares with coarse times give them, when the first file was moved away."""
    watching = Watching(tmp_path, once=True, archive=tmp_path / "archive")
    os.utime(watching.put("latest.bmp", b"first"), ns=(10, 10))
    watching.once()
    again = Watching(tmp_path, once=True, archive=tmp_path / "archive")
    os.utime(again.put("latest.bmp", b"other"), ns=(10, 10))
    again.once()
    assert again.count("labels") == 2
    assert again.all("SELECT mtime_ns FROM sightings ORDER BY 1") == [(10,), (11,)]
    kept = sorted(file.read_bytes() for file in (tmp_path / "archive").rglob("*.bmp"))
    assert kept == [b"first", b"other"] and list(again.inbox.iterdir()) == []


def test_a_file_that_cannot_be_moved_stays_and_the_database_says_so(tmp_path):
    (tmp_path / "archive").write_bytes(b"no folder")
    watching = Watching(tmp_path, once=True, archive=tmp_path / "archive")
    path = watching.put("a.png")
    watching.once()
    assert watching.all("SELECT archived FROM sightings") == [("",)]
    assert watching.one("SELECT path FROM images") == str(path) and path.exists()


@pytest.mark.parametrize("kind", ["archive", "quarantine"])
def test_a_file_that_cannot_be_moved_for_a_while_is_moved_then(tmp_path, kind, monkeypatch):
    """As onto a share that was away."""
    monkeypatch.setattr(settling, "_PUT_OFF_S", 0.1)
    folder = tmp_path / kind
    folder.write_bytes(b"no folder")
    with Watching(tmp_path, **{kind: folder}, give_up_s=0.1) as watching:
        path = watching.put("a.png", TORN if kind == "quarantine" else b"first")
        table, place = ("sightings", "archived") if kind == "archive" else ("quarantined", "moved")
        watching.until(f"SELECT count(*) FROM {table}", 1)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 1 + (kind == "archive"))
        assert path.exists()
        folder.unlink()
        folder.mkdir()
        until = time.monotonic() + 20
        while path.exists() and time.monotonic() < until:
            time.sleep(0.01)
    assert not path.exists() and os.path.exists(watching.one(f"SELECT {place} FROM {table} WHERE path LIKE '%a.png'"))
    assert watching.count("labels") == 1 + (kind == "archive") and watching.error is None


def test_where_the_archive_is_not_there_any_more_it_is_not_made_anew(tmp_path):
    """As below the mount point of a share that was unmounted."""
    watching = Watching(tmp_path, once=True, archive=tmp_path / "mount/archive")
    (tmp_path / "mount/archive").rmdir()
    path = watching.put("a.png")
    watching.once()
    assert path.exists() and list((tmp_path / "mount").iterdir()) == []
    assert watching.all("SELECT archived FROM sightings") == [("",)]


@pytest.mark.parametrize("kind", ["archive", "quarantine"])
def test_two_watchers_with_one_archive_take_nothing_from_each_other(tmp_path, kind, monkeypatch):
    """Another file comes to the place between the plan and the move."""
    folder, planned = tmp_path / kind, outgoing.plan_place

    def plan_and_lose(*arguments):
        place = planned(*arguments)
        if not list(folder.rglob("*.png")):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            Path(place).write_bytes(b"another watcher's")
        return place

    monkeypatch.setattr(outgoing, "plan_place", plan_and_lose)
    monkeypatch.setattr(settling, "_PUT_OFF_S", 0.1)
    with Watching(tmp_path, **{kind: folder}) as watching:
        path = watching.put("a.png", TORN if kind == "quarantine" else b"first")
        until = time.monotonic() + 20
        while path.exists() and time.monotonic() < until:
            time.sleep(0.01)
    table, place = ("sightings", "archived") if kind == "archive" else ("quarantined", "moved")
    mine = watching.one(f"SELECT {place} FROM {table}")
    kept = {os.path.realpath(file): file.read_bytes() for file in folder.rglob("*.png")}
    assert kept.pop(os.path.realpath(mine)) == (TORN if kind == "quarantine" else b"first")
    assert list(kept.values()) == [b"another watcher's"] and not path.exists()


def test_a_state_of_drift_that_cannot_be_read_is_an_event(tmp_path):
    watching = Watching(tmp_path, once=True)
    recording.write_state(watching.writer, f"drift:{watching.labeller.bundle.sha256}", b"of another version")
    again = Watching(tmp_path, once=True)
    again.put("a.png")
    again.once()
    [(kind, sentence)] = again.all("SELECT kind, sentence FROM events")
    assert kind == "drift" and "the watch over it begins anew" in sentence and again.count("labels") == 1


def test_where_parts_are_known_the_stream_is_held_against_itself(tmp_path):
    """The first view of a part is always the same camera's; a held-out image may be any."""
    said = []
    for name, facts in (("known", PathFacts(part_from="[0-9]+")), ("unknown", PathFacts())):
        labeller = QuickLabeller()
        # By the bundle's held-out images all of them are bright.
        labeller.bundle.calibration.brightness[:] = 0.0
        (tmp_path / name).mkdir()
        watching = Watching(tmp_path / name, labeller, facts=facts, once=True, batch=64)
        for number in range(150):
            watching.put(f"{number}.png")
        watching.once()
        said.append([sentence for (sentence,) in watching.all("SELECT sentence FROM events")])
    assert said[0] == [] and "brighter" in said[1][0]


def test_an_inbox_that_vanishes_is_one_event_and_one_when_it_is_back(tmp_path):
    with Watching(tmp_path) as watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM labels", 1)
        watching.inbox.rename(tmp_path / "away")
        watching.until("SELECT count(*) FROM events", 1)
        (tmp_path / "away").rename(watching.inbox)
        watching.until("SELECT count(*) FROM events", 2)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 2)
    assert [kind for (kind,) in watching.all("SELECT kind FROM events")] == ["inbox", "inbox"]
    assert watching.count("sightings") == 2


def test_a_missing_inbox_is_an_error_when_asked_once(tmp_path):
    watching = Watching(tmp_path, once=True)
    watching.inbox.rmdir()
    with pytest.raises(FileNotFoundError):
        watching.once()


def test_one_image_that_spoils_a_batch_spoils_no_other(tmp_path):
    labeller = QuickLabeller(wait=0.02)
    labeller.spoilt = {"3.png"}
    with Watching(tmp_path, labeller) as watching:
        for number in range(8):
            watching.put(f"{number}.png")
        watching.until("SELECT count(*) FROM quarantined", 1)
        watching.until("SELECT count(*) FROM labels", 7)
    assert watching.one("SELECT reason FROM quarantined") == "spoilt"


def test_a_few_images_that_cannot_be_labelled_do_not_keep_the_others_from_it(tmp_path):
    labeller = QuickLabeller()
    labeller.spoilt = {f"{number}.png" for number in range(5)}
    watching = Watching(tmp_path, labeller, batch=1, give_up_s=2.0)
    for number in range(12):
        os.utime(watching.put(f"{number}.png"), ns=(number, number))
    with watching:
        watching.until("SELECT count(*) FROM labels", 7)
        watching.until("SELECT count(*) FROM quarantined", 5)
    assert watching.error is None


def test_a_labeller_that_fails_for_all_ends_the_watcher_and_loses_nothing(tmp_path):
    labeller = QuickLabeller()
    names = [f"{number}.png" for number in range(6)]
    labeller.spoilt = set(names)
    watching = Watching(tmp_path, labeller)
    for name in names:
        watching.put(name)
    with pytest.raises(RuntimeError, match="one image after another cannot be labelled: spoilt"):
        watching.watcher.run()
    watching.writer.close()
    assert watching.count("quarantined") == 0
    assert Watching(tmp_path, once=True).once().count("labels") == 6


def test_one_spoilt_image_alone_is_tried_again_and_given_up(tmp_path):
    labeller = QuickLabeller()
    labeller.spoilt = {"a.png"}
    with Watching(tmp_path, labeller, give_up_s=0.4) as watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM quarantined", 1)
    assert watching.error is None


def test_an_image_without_finite_features_is_given_up(tmp_path):
    class Infinite(QuickLabeller):
        def label(self, images):
            return [replace(one, novelty=math.nan) if image.path.endswith("a.png") else one
                    for image, one in zip(images, super().label(images), strict=True)]  # fmt: skip

    with Watching(tmp_path, Infinite()) as watching:
        watching.put("a.png")
        watching.put("b.png")
        watching.until("SELECT count(*) FROM quarantined", 1)
    assert watching.one("SELECT reason FROM quarantined") == "its features are no finite numbers"
    assert watching.count("labels") == 1


def test_it_ends_after_the_batch_in_hand(tmp_path):
    class Stopping(QuickLabeller):
        def label(self, images):
            watching.watcher.stop()
            return super().label(images)

    watching = Watching(tmp_path, Stopping(), batch=4)
    for number in range(20):
        watching.put(f"{number}.png")
    watching.once()
    assert 1 <= watching.count("labels") <= 4
    assert watching.count("labels") == watching.count("sightings")


@pytest.mark.parametrize(
    "module, name", [(watcher, "record_batch"), (outgoing, "record_batch"), (outgoing, "record_place")]
)
def test_a_busy_or_full_disk_is_waited_for(tmp_path, module, name, monkeypatch):
    failing, write = itertools.count(), getattr(recording, name)

    def full(*arguments, **others):
        if next(failing) < 2:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        write(*arguments, **others)

    monkeypatch.setattr(module, name, full)
    monkeypatch.setattr(patience, "_SHORTEST_PAUSE_S", 0.01)
    # The archive is a file: what cannot be moved is recorded, too.
    (tmp_path / "archive").write_bytes(b"no folder")
    watching = Watching(tmp_path, once=True, archive=tmp_path / "archive")
    watching.put("a.png")
    os.utime(watching.put("torn.png", TORN), (1, 1))
    watching.once()
    assert watching.all("SELECT archived FROM sightings") == [("",)] and watching.count("quarantined") == 1
    assert watching.count("labels") == 1 and next(failing) == 3


def test_a_writer_beside_it_is_waited_for(tmp_path):
    with Watching(tmp_path) as watching:
        with transaction(watching.connection):
            watching.put("a.png")
            watching.put("b.png")
            for _ in range(20):
                watching.thread.join(0.01)
        watching.until("SELECT count(*) FROM labels", 2)


def test_another_bundle_that_is_put_in_use_labels_from_then_on(tmp_path):
    switch = threading.Event()

    def look():
        if not switch.is_set() or watching.source.labeller.bundle.number == 2:
            return None
        watching.source.labeller = QuickLabeller(2)
        return Event("bundle", "Bundle 2 is in use.", {"from": 1, "to": 2})

    watching = Watching(tmp_path, look=look)
    with watching:
        watching.put("a.png", b"same")
        watching.until("SELECT count(*) FROM labels", 1)
        switch.set()
        watching.until("SELECT count(*) FROM events WHERE kind = 'bundle'", 1)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 2)
        watching.put("c.png", b"same")
        watching.until("SELECT count(*) FROM sightings", 3)
    labels = watching.all("SELECT bundle, image_id FROM labels ORDER BY label_id")
    assert labels == [(1, 1), (2, 2), (2, 1)]
    assert watching.all("SELECT label_id FROM sightings ORDER BY 1") == [(1,), (2,), (3,)]
    names = [name for (name,) in watching.all("SELECT name FROM state WHERE name LIKE 'drift:%'")]
    assert len(names) == 2


def test_drift_goes_on_after_a_restart_and_its_alarm_is_an_event(tmp_path):
    class Darker(QuickLabeller):
        def prepare(self, path, **options):
            found = super().prepare(path, **options)
            return prepared(found.path, (tmp_path / found.path).read_bytes(), brightness=0.1)

    for start in range(2):
        watching = Watching(tmp_path, Darker(), once=True)
        for number in range(20):
            watching.put(f"{start}_{number}.png")
        watching.once()
    [(name, value)] = watching.all("SELECT name, value FROM state WHERE name LIKE 'drift:%'")
    monitor = DriftMonitor.restore(value)
    assert monitor.seen == 40 and name == f"drift:{watching.labeller.bundle.sha256}"
    [(sentence, first, last)] = watching.all("SELECT sentence, first_label, last_label FROM events LIMIT 1")
    assert "darker" in sentence and 1 <= first <= last <= 40


def test_the_scanner_never_hides_an_error(tmp_path, monkeypatch):
    watching = Watching(tmp_path)
    watching.watcher._scanner._inbox = SimpleNamespace(list=lambda: 1 / 0, root="")
    with pytest.raises(ZeroDivisionError):
        watching.watcher.run()


def test_groups_in_shadow_follow_what_operators_confirm(tmp_path):
    watching = Watching(tmp_path, once=True)
    watching.put("a.png")
    watching.once()
    with transaction(watching.connection):
        watching.connection.execute(
            "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
            "VALUES (1, 1, 'me', '', 'correct', '', 'root.1', 'x')"
        )
    again = Watching(tmp_path, once=True)
    again.put("b.png")
    again.once()
    # The vectors are all the same; root.1 has gone a little way to the first, root.0 is still nearer.
    assert again.all("SELECT node, shadow_node FROM labels ORDER BY 1") == [("root.0.1", "root.0.1")] * 2


def test_words_on_an_image_that_is_labelled_only_later_are_followed(tmp_path):
    watching = Watching(tmp_path, once=True)
    watching.put("a.png", b"same")
    watching.once()
    with transaction(watching.connection):
        watching.connection.execute(
            "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
            "VALUES (1, 1, 'me', '', 'correct', '', 'root.1', 'x')"
        )
    later = Watching(tmp_path, QuickLabeller(2))
    with later:
        for number, (name, content) in enumerate((("b.png", b"b"), ("c.png", b"same"), ("d.png", b"d")), 2):
            later.put(name, content)
            later.until("SELECT count(*) FROM labels", number)
    running, fresh = later.watcher._companions._shadow, Shadow(later.labeller.bundle.nodes["root"])
    fresh.refresh(later.connection, later.labeller.bundle.sha256)
    assert running.confirmed == fresh.confirmed == 1


def test_novel_images_that_are_alike_are_proposed_as_a_group_once(tmp_path):
    class Novel(QuickLabeller):
        def label(self, images):
            super().label(images)
            said = []
            for image in images:
                is_novel = "novel" in os.path.basename(image.path)
                noise = np.frombuffer(bytes.fromhex(image.sha256[:4]), np.uint8) / 255
                vector = (np.array([50.0, 50.0]) if is_novel else 20 * noise) + 0.1 * noise
                said.append(replace(labelled(image, novel=is_novel), vector=vector.astype(np.float32)))
            return said

    watching = Watching(tmp_path, Novel(), once=True)
    for number in range(100):
        watching.put(f"{number}.png")
    for number in range(10):
        watching.put(f"novel{number}.png")
    watching.once()
    [(sentence, detail)] = watching.all("SELECT sentence, detail FROM events WHERE kind = 'proposal'")
    assert "root.2" in sentence and len(json.loads(detail)["label_ids"]) >= 8
    again = Watching(tmp_path, Novel(), once=True)
    again.put("novel10.png")
    assert again.once().one("SELECT count(*) FROM events WHERE kind = 'proposal'") == 1


def test_a_name_that_is_not_utf8_is_labelled_and_moved(tmp_path):
    name = os.fsdecode(b"Bl\xe4sche.png")
    watching = Watching(tmp_path, once=True, archive=tmp_path / "archive")
    watching.put(name, b"first")
    watching.once()
    [(path, archived)] = watching.all("SELECT path, archived FROM sightings")
    assert path.endswith("/Bl\\xe4sche.png") and archived.endswith("/Bl\\xe4sche.png")
    with open(recording.text_to_path(archived), "rb") as file:
        assert file.read() == b"first"


def test_once_does_not_wait_for_what_comes_later(tmp_path):
    class Feeding(QuickLabeller):
        fed = 0

        def label(self, images):
            if self.fed < 200:
                self.fed += 1
                watching.put(f"later{self.fed}.png")
            return super().label(images)

    watching = Watching(tmp_path, Feeding(), once=True)
    watching.put("a.png")
    watching.put("b.png")
    watching.once()
    assert watching.count("sightings") == 2 and watching.labeller.fed >= 1


def test_a_database_that_is_removed_ends_the_watcher_and_files_stay(tmp_path):
    archive = tmp_path / "archive"
    watching = Watching(tmp_path, archive=archive)
    with watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM sightings", 1)
        watching.database.rename(tmp_path / "elsewhere.sqlite")
        watching.put("b.png")
        watching.thread.join(20)
    assert isinstance(watching.error, FileNotFoundError) and "was removed or replaced" in str(watching.error)
    assert (watching.inbox / "b.png").exists() and len(list(archive.rglob("*.png"))) == 1


@pytest.mark.parametrize("where", ["archive", "quarantine"])
def test_a_file_that_has_taken_the_name_of_another_is_not_moved_for_it(tmp_path, where):
    class Camera(QuickLabeller):
        """Whose next image comes under the same name as soon as the first was read."""

        def replace(self, path):
            if not (tmp_path / "replaced").exists():
                (tmp_path / "replaced").write_bytes(b"the second image")
                os.replace(tmp_path / "replaced", path)
                (tmp_path / "replaced").touch()

        def label(self, images):
            self.replace(images[0].path)
            return super().label(images)

    watching = Watching(tmp_path, Camera(), **{where: tmp_path / where})
    if where == "quarantine":
        write = watching.watcher._outgoing._write

        def write_and_replace(*arguments, **others):
            write(*arguments, **others)
            watching.labeller.replace(str(watching.inbox / "latest.png"))

        watching.watcher._outgoing._write = write_and_replace
    watching.put("latest.png", TORN if where == "quarantine" else b"the first image")
    with watching:
        watching.until("SELECT count(*) FROM sightings", 1 if where == "quarantine" else 2)
        labelled_at_last = "SELECT count(*) FROM images WHERE bytes = 16"
        watching.until(labelled_at_last, 1)
    moved = [file.read_bytes() for file in (tmp_path / where).rglob("*.png")]
    assert moved == ([] if where == "quarantine" else [b"the second image"])
    by_path = watching.all("SELECT path, archived, sightings.bytes FROM sightings ORDER BY 3 DESC")
    # The second is where it says; of the first nothing is left.
    assert [archived for _, archived, size in by_path if size == 15] == ([] if where == "quarantine" else [""])


def test_another_bundle_of_the_same_number_is_another_bundle(tmp_path):
    watching, other = Watching(tmp_path), QuickLabeller(1)
    other.bundle.sha256 = "f" * 64

    def look():
        if watching.source.labeller is other or not watching.count("labels"):
            return None
        watching.source.labeller = other
        return Event("bundle", "Another one.", {"from": 1, "to": 1})

    watching.source.look = look
    with watching:
        watching.put("a.png")
        watching.until("SELECT count(*) FROM events WHERE kind = 'bundle'", 1)
        watching.put("b.png")
        watching.until("SELECT count(*) FROM labels", 2)
    names = [name for (name,) in watching.all("SELECT name FROM state WHERE name LIKE 'drift:%'")]
    assert f"drift:{'f' * 64}" in names and len(names) == 2


def test_an_inbox_that_is_not_utf8_may_vanish(tmp_path):
    inner = tmp_path / os.fsdecode(b"caf\xe9")
    inner.mkdir()
    watching = Watching(inner)
    with watching:
        watching.inbox.rename(tmp_path / "away")
        watching.until("SELECT count(*) FROM events", 1)
    assert watching.error is None and "caf\\xe9" in watching.one("SELECT sentence FROM events")
