"""Interrupted between any two steps, again and again, nothing is lost and nothing double; kills are in tests/faults."""

import os
import random
from pathlib import Path

import pytest

from helpers.watching import TORN, QuickLabeller, Watching
from nearlabel.production.database import recording
from nearlabel.production.drift.monitor import DriftMonitor
from nearlabel.production.watch import outgoing, watcher

STEPS = [
    (watcher, "record_batch"),
    (outgoing, "record_batch"),
    (recording, "_record_label"),
    (recording, "write_state"),
    (outgoing, "move_file"),
    (outgoing, "write_reason"),
]
FILES = {f"left/{number}.png": f"{number}".encode() for number in range(6)}
FILES |= {"right/copy.png": b"3", "right/3.png": b"3", "torn.png": TORN, "right/torn.png": TORN + b"2"}


class Interrupted(BaseException):
    """As a kill: nothing catches it."""


class Countdown:
    """Interrupts before or after the step at which it is over."""

    def __init__(self, monkeypatch, edges: int):
        self.left = edges
        for module, name in STEPS:
            monkeypatch.setattr(module, name, self.around(getattr(module, name)))

    def around(self, step):
        def run(*args, **options):
            self.count()
            result = step(*args, **options)
            self.count()
            return result

        return run

    def count(self):
        self.left -= 1
        if self.left == 0:
            raise Interrupted


def put_files(watching):
    for age, (name, content) in enumerate(FILES.items()):
        os.utime(watching.put(name, content), ns=(age, age))


def content_of(watching):
    place = len(str(watching.inbox)) + 1
    return {
        "labels": watching.all("SELECT sha256, label, novelty FROM labels JOIN images USING (image_id) ORDER BY 1"),
        "sightings": watching.all(
            f"SELECT substr(sightings.path, {place}), sha256 FROM sightings JOIN images USING (image_id) ORDER BY 1"
        ),
        "quarantined": watching.all(f"SELECT substr(path, {place}), reason FROM quarantined ORDER BY 1"),
        "events": watching.all("SELECT kind, sentence FROM events ORDER BY 2"),
    }


def undisturbed(folder):
    watching = Watching(folder, QuickLabeller(), once=True, archive=folder / "archive", quarantine=folder / "bad")
    put_files(watching)
    return content_of(watching.once())


@pytest.mark.parametrize("seed", range(3))
def test_interrupted_between_any_two_steps(tmp_path, seed, monkeypatch):
    (tmp_path / "other").mkdir()
    expected = undisturbed(tmp_path / "other")
    assert len(expected["sightings"]) == 8 and len(expected["labels"]) == 6 and len(expected["quarantined"]) == 2
    rng, interrupted = random.Random(seed), 0
    options = {"archive": tmp_path / "archive", "quarantine": tmp_path / "bad", "once": True, "batch": 2}
    put_files(Watching(tmp_path))
    while True:
        watching = Watching(tmp_path, QuickLabeller(), **options)
        with monkeypatch.context() as patched:
            Countdown(patched, rng.randint(1, 12))
            try:
                watching.watcher.run()
                break
            except Interrupted:
                interrupted += 1
            finally:
                watching.writer.close()
    assert interrupted >= 4
    watching = Watching(tmp_path, **options).once()
    assert content_of(watching) == expected
    [(value,)] = watching.all("SELECT value FROM state WHERE name LIKE 'drift:%'")
    assert DriftMonitor.restore(value).seen == 6
    # Each file is where the database says, whole, and nowhere else.
    places = watching.all("SELECT path, archived FROM sightings UNION ALL SELECT path, moved FROM quarantined")
    for path, place in places:
        assert not os.path.exists(path)
        assert Path(place).read_bytes() == FILES[os.path.relpath(path, watching.inbox)]
    reasons = list((tmp_path / "bad").rglob("*.reason.txt"))
    assert len(reasons) == 2
    assert len([file for file in tmp_path.rglob("*.png") if "other" not in file.parts]) == len(FILES)
