"""Kill the watcher at random moments while files arrive; compare its database with one of a watcher left alone.

Run from the repository: ``python tests/faults/kill_watcher.py [--moments 100] [--seed 0] [--archive]``. Files arrive
whole, in pieces of 4 kB over 5 s, by rename, as copies of earlier ones, and truncated for ever; meanwhile ``nearlabel
watch`` is killed (SIGKILL) and started again. ``--fast`` shortens all waits to a tenth and starts from a process that
has imported everything. Prints what was compared, and ``100 of 100``.
"""

import argparse
import io
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.bundles import KINDS, UNSEEN
from helpers.places import REPOSITORY
from helpers.written_bundles import write_made
from nearlabel.images.synthetic import draw_strip
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.database.opening import open_database, open_to_read
from nearlabel.production.drift.monitor import DriftMonitor, baselines

HEIGHT, WIDTH = 160, 420
PIECE = 4096
MANNERS = ("whole", "pieces", "rename", "copy", "truncated")


class Waits(NamedTuple):
    """Seconds: between files, for all pieces of one, until one is taken, until it is given up, of a life at most."""

    between: float = 0.8
    pieces: float = 5.0
    settle: float = 1.0
    give_up: float = 4.0
    life: float = 12.0


FAST = Waits(0.1, 0.4, 0.15, 0.5, 1.5)


class Feeder(threading.Thread):
    """Puts files into an inbox, one after another, each in one of the manners, until it is told to end."""

    def __init__(self, inbox: Path, seed: int, waits: Waits, least: int = 0):
        super().__init__(daemon=True)
        self.inbox, self.waits, self.least = inbox, waits, least
        self.rng = random.Random(seed)
        self.ending = threading.Event()
        self.whole: dict[str, bytes] = {}
        self.torn: set[str] = set()

    def run(self) -> None:
        """Feed; after the end is asked for, until there are enough files."""
        slow = []
        for number in range(10**6):
            if self.ending.is_set() and number >= self.least:
                break
            manner = MANNERS[number % len(MANNERS)]
            name = f"cam{number % 2}/{number:05d}_{manner}.png"
            content = draw_png(number)
            if manner == "copy":
                content = self.rng.choice(list(self.whole.values()))
            if manner == "truncated":
                content = content[: len(content) // 2]
                self.torn.add(name)
            else:
                self.whole[name] = content
            path = self.inbox / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if manner == "pieces":
                slow.append(threading.Thread(target=self.write_pieces, args=(path, content), daemon=True))
                slow[-1].start()
            elif manner == "rename":
                hidden = path.with_name(f".{path.name}")
                hidden.write_bytes(content)
                os.rename(hidden, path)
            else:
                path.write_bytes(content)
            time.sleep(self.rng.uniform(0, 2 * self.waits.between))
        for thread in slow:
            thread.join()

    def write_pieces(self, path: Path, content: bytes) -> None:
        """Write 4 kB after 4 kB."""
        pieces = [content[start : start + PIECE] for start in range(0, len(content), PIECE)]
        with path.open("wb", buffering=0) as file:
            for piece in pieces:
                file.write(piece)
                time.sleep(self.waits.pieces / len(pieces))


def draw_png(number: int) -> bytes:
    """A strip as PNG, some 40 kB."""
    kind = (*KINDS, UNSEEN)[number % 4]
    content = io.BytesIO()
    Image.fromarray(draw_strip(kind, HEIGHT, WIDTH, np.random.default_rng(number))).save(content, "PNG")
    return content.getvalue()


def live(arguments: list[str], log: str) -> None:
    """Run the command in this process."""
    from nearlabel.production.commands.main import main

    with open(log, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.exit(main(arguments))


class Watched:
    """A watcher of an inbox, started and killed at will.

    Attributes
    ----------
    folder : Path
        Gets the database, logs, and where files are moved to.
    """

    def __init__(self, folder: Path, inbox: Path, bundles: Path, waits: Waits, archive: bool, fast: bool):
        self.folder, self.inbox, self.waits, self.fast = folder, inbox, waits, fast
        folder.mkdir(parents=True)
        self.database = folder / "labels.sqlite"
        self.arguments = ["watch", str(inbox), "--bundle", str(bundles), "--db", str(self.database)]
        self.arguments += ["--settle-s", str(waits.settle), "--give-up-s", str(waits.give_up), "--report-every", "0"]
        self.arguments += ["--camera-from", "^(cam.)/", "--poll-s", "0.1", "--batch", "4"]
        if archive:
            self.arguments += ["--archive", str(folder / "archive"), "--quarantine", str(folder / "quarantine")]

    def start(self, *more: str):
        """Start it; the process has `kill`, `wait_for`."""
        arguments, log = [*self.arguments, *more], str(self.folder / "log")
        if self.fast:
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(
                [
                    "nearlabel.production.watch.watcher",
                    "nearlabel.production.labeller.labeller",
                    "nearlabel.production.bundle.files",
                    "nearlabel.features.texture",
                    "skops.io",
                    "torch",
                    "faults.kill_watcher",
                ]
            )
            process = context.Process(target=live, args=(arguments, log), daemon=True)
            process.start()
            return process.pid, lambda seconds: (process.join(seconds), process.exitcode)[1]
        code = "import sys; from nearlabel.production.commands.main import main; sys.exit(main())"
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
        with open(log, "ab") as file:
            started = subprocess.Popen([sys.executable, "-c", code, *arguments], stderr=file, env=environment)

        def wait(seconds):
            try:
                return started.wait(seconds)
            except subprocess.TimeoutExpired:
                return None

        return started.pid, wait

    def kill_after(self, seconds: float) -> None:
        """Start it, and kill it."""
        pid, wait = self.start()
        assert wait(seconds) is None, (self.folder / "log").read_text()
        os.kill(pid, signal.SIGKILL)
        assert wait(60) is not None

    def end_after(self, recorded: int, seconds: float) -> None:
        """Start it, and end it (SIGTERM) when so many files are recorded."""
        pid, wait = self.start()
        until = time.monotonic() + seconds
        while self.recorded() < recorded and time.monotonic() < until and wait(0.1) is None:
            pass
        # What it does after the last transaction: move, send.
        wait(1.0)
        os.kill(pid, signal.SIGTERM)
        code = wait(30)
        assert code == 0, (code, (self.folder / "log").read_text()[-3000:])

    def recorded(self) -> int:
        """Files that the database knows."""
        if not self.database.exists():
            return 0
        try:
            with closing(open_to_read(self.database)) as connection:
                query = "SELECT (SELECT count(*) FROM sightings) + (SELECT count(*) FROM quarantined)"
                return connection.execute(query).fetchone()[0]
        except (OSError, ValueError):
            return 0  # It is just being made.

    def content(self) -> dict[str, Counter]:
        """All that the database holds but numbers of rows and times, and where files are; not drift and proposals."""
        said = "label, label_by, p_value, confidence, label_set, node, lineage, group_name, novelty, novelty_p, "
        said += "normal_percentile, novel, neighbors, x, y, vector, bundle, bundle_sha256"
        queries = {
            "images": "SELECT sha256, width, height, mode, bytes, brightness, contrast, thumbnail FROM images",
            "labels": f"SELECT sha256, {said} FROM labels JOIN images USING (image_id)",
            "sightings": f"SELECT sha256, substr(sightings.path, {len(str(self.inbox)) + 2}), sightings.bytes, camera, "
            "part, (SELECT sha256 FROM labels JOIN images USING (image_id) WHERE label_id = sightings.label_id) "
            "FROM sightings JOIN images USING (image_id)",
            "quarantined": f"SELECT substr(path, {len(str(self.inbox)) + 2}), bytes, reason FROM quarantined",
            "events": "SELECT kind, replace(json_extract(detail, '$.path'), ?, ''), json_extract(detail, '$.reason') "
            # What these say depends on the order of files, and on when one looks; see below.
            "FROM events WHERE kind NOT IN ('drift', 'proposal')",
        }
        with closing(open_to_read(self.database)) as connection:
            given = {name: (str(self.inbox),) if "?" in query else () for name, query in queries.items()}
            return {
                name: Counter(map(tuple, connection.execute(query, given[name]))) for name, query in queries.items()
            }

    def lines(self) -> tuple[list[int], list[int]]:
        """Numbers of sightings and events in the JSON lines, in their order."""
        lines = [json.loads(line) for line in Path(f"{self.database}.jsonl").read_text("utf-8").splitlines()]
        of = {kind: [line for line in lines if line["type"] == kind] for kind in ("label", "event")}
        return [line["sighting_id"] for line in of["label"]], [line["event_id"] for line in of["event"]]


def problems_of(watched: Watched, undisturbed: Watched, feeder: Feeder, bundles: Path) -> list[str]:
    """Compare; say what is wrong."""
    wrong = []
    expected, found = undisturbed.content(), watched.content()
    for name in expected:
        for sign, rows in (("+", found[name] - expected[name]), ("-", expected[name] - found[name])):
            wrong += [f"{name}: {sign} {str(row)[:200]}" for row in list(rows.elements())[:3]]
    if sum(found["sightings"].values()) != len(feeder.whole):
        wrong.append(f"{sum(found['sightings'].values())} sightings of {len(feeder.whole)} files")
    if sum(found["images"].values()) != len(set(feeder.whole.values())):
        wrong.append("images are not the contents that arrived")
    if {path for path, *_ in found["quarantined"]} != feeder.torn:
        wrong.append("other files are quarantined than those that were torn")
    with closing(open_database(watched.database)) as connection:
        ids = {name: [row[0] for row in connection.execute(f"SELECT {name}_id FROM {name}s ORDER BY 1")]
               for name in ("sighting", "event")}  # fmt: skip
        if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            wrong.append("the database is damaged")
        wrong += drift_problems(connection, bundles)
        query = "SELECT json_extract(detail, '$.node') FROM events WHERE kind = 'proposal'"
        proposed = [node for (node,) in connection.execute(query)]
        if len(set(proposed)) < len(proposed):
            wrong.append(f"proposed twice: {proposed}")
        moved = [tuple(row) for row in connection.execute("SELECT path, archived FROM sightings")]
        moved += [tuple(row) for row in connection.execute("SELECT path, moved FROM quarantined")]
    for path, place in moved:
        if place and (os.path.exists(path) or not os.path.exists(place)):
            wrong.append(f"{path} is not at {place}")
    for name, lines in zip(("sighting", "event"), watched.lines(), strict=True):
        if lines != ids[name]:
            wrong.append(f"JSON lines of {name}s: {len(lines)}, {len(set(lines))} different, of {len(ids[name])}")
    return wrong


def drift_problems(connection, bundles: Path) -> list[str]:
    """Whether drift is where it comes to when it takes in every label once, in their order."""
    monitor = DriftMonitor(baselines(read_bundle(bundles).calibration))
    query = "SELECT label_id, sha256, novelty, brightness, contrast FROM labels JOIN images USING (image_id) ORDER BY 1"
    alarms = 0
    for label_id, sha256, *values in connection.execute(query):
        named = dict(zip(("novelty", "brightness", "contrast"), values, strict=True))
        alarms += monitor.add(named, part="", sha256=sha256, label_id=label_id) is not None
    [(kept,)] = connection.execute("SELECT value FROM state WHERE name LIKE 'drift:%'").fetchall()
    told = connection.execute("SELECT count(*) FROM events WHERE kind = 'drift'").fetchone()[0]
    wrong = [f"drift is elsewhere than after all {monitor.seen} labels"] if kept != monitor.state() else []
    return wrong + ([f"{told} alarms of drift, not {alarms}"] if told != alarms else [])


def kill(folder: Path, moments: int, seed: int, *, archive: bool, fast: bool, least: int = 10) -> tuple[list[str], str]:
    """Kill so many times; what is wrong afterwards, and what was compared."""
    waits = FAST if fast else Waits()
    bundles, inbox = folder / "bundles", folder / "inbox"
    inbox.mkdir(parents=True)
    write_made(bundles)
    feeder = Feeder(inbox, seed, waits, least)
    watched = Watched(folder / "killed", inbox, bundles, waits, archive, fast)
    rng = random.Random(seed)
    feeder.start()
    for _ in range(moments):
        watched.kill_after(rng.uniform(0, waits.life))
    before = watched.recorded()
    feeder.ending.set()
    feeder.join()
    files = len(feeder.whole) + len(feeder.torn)
    watched.end_after(files, 120)
    # The same files again, all there from the beginning.
    plain = folder / "plain"
    for name in sorted({*feeder.whole, *feeder.torn}):
        (plain / name).parent.mkdir(parents=True, exist_ok=True)
        content = feeder.whole.get(name)
        if content is None:
            number = int(Path(name).name.split("_")[0])
            content = draw_png(number)
            content = content[: len(content) // 2]
        (plain / name).write_bytes(content)
    undisturbed = Watched(folder / "undisturbed", plain, bundles, waits, False, fast)
    undisturbed.end_after(files, 120)
    report = f"{files} files, {before} recorded before the last start, {len(feeder.torn)} torn"
    return problems_of(watched, undisturbed, feeder, bundles), report


def main() -> int:
    """Kill, compare; return 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--archive", action="store_true", help="move files to an archive and a quarantine")
    parser.add_argument("--fast", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wrong, report = kill(
            Path(scratch) / "run", options.moments, options.seed, archive=options.archive, fast=options.fast
        )
    print(report)
    for sentence in wrong:
        print("wrong:", sentence)
    print(f"{0 if wrong else options.moments} of {options.moments}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
