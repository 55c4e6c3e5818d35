"""How long the review page's server takes over a database of 100,000 images: each filter, an opened image, a word.

    python tests/benchmarks/review_page.py [IMAGES]

Prints median and 95th percentile in milliseconds, over HTTP on loopback, one request at a time.
"""

import json
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.review_pages import LineDatabase, RunningServer

REPEATS = 60
LABELS, NODES, CAMERAS = ("good", "scratch", "pit", "stain", "rare"), 12, ("left", "right", "rare")


def fill(line: LineDatabase, count: int) -> None:
    """Rows as a year of a line leaves them: 2 % novel, 5 % in doubt, 1 of 3 reviewed, some labelled by two bundles."""
    rng = np.random.default_rng(0)
    connection = line.connection
    thumbnail = bytes(rng.integers(0, 256, 1500, dtype=np.uint8))
    vector = rng.normal(size=50).astype("<f4").tobytes()
    neighbors = json.dumps(
        [{"image_id": f"class/{k}.png", "distance": 0.3, "label": "good", "node": "root.1"} for k in range(5)]
    )
    connection.execute("BEGIN IMMEDIATE")
    label_id = 0
    for start in range(0, count, 5000):
        images, sightings, labels, words = [], [], [], []
        for number in range(start, min(start + 5000, count)):
            rare = number % 5000 == 77
            image_id, sha256, path = number + 1, f"{number:064x}", f"/line/{number:06d}.png"
            when = f"2026-11-{number // 4000 % 28 + 1:02d}T00:00:00.000Z"
            images.append((image_id, sha256, path, 256, 256, "L", 60000, 0.5, 0.1, when, thumbnail))
            novel = int(rng.random() < 0.02)
            doubt = rng.random() < 0.05
            label = "rare" if rare else LABELS[int(rng.integers(4))]
            node = "root.99" if rare else f"root.{int(rng.integers(NODES))}.{int(rng.integers(3))}"
            for bundle in range(1, 3 if number % 10 == 0 else 2):
                label_id += 1
                given = ("", "") if novel else (label, "model")
                label_set = json.dumps([label, "other"] if doubt else [label])
                said = (*given, 0.8, 0.5 if doubt else 0.99, label_set, "" if novel else node, "[]", "", "")
                novelty = (0.4, 0.005 if novel else 0.5, 50.0, novel, neighbors, 0.1, 0.2, vector)
                labels.append((label_id, image_id, bundle, f"{bundle:064x}", when, *said, *novelty))
            camera = "rare" if rare else CAMERAS[number % 2]
            sightings.append((image_id, path, number, 60000, when, camera, path, label_id))
            if number % 3 == 0:
                words.append((image_id, label_id, "Ada", when, "confirm", label, node, f"request-{number}"))
        connection.executemany(f"INSERT INTO images VALUES ({','.join('?' * 11)})", images)
        connection.executemany(f"INSERT INTO labels VALUES ({','.join('?' * 22)})", labels)
        connection.executemany(
            "INSERT INTO sightings (image_id, path, mtime_ns, bytes, time, camera, part, label_id) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            sightings,
        )
        connection.executemany(
            "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            words,
        )
    connection.execute("COMMIT")
    line.event("drift", "window", range(label_id - 5000, label_id))
    line.event("proposal", "group", range(1, 400), node="root.100")
    line.images = [f"{number:064x}" for number in range(count)]


def measure(name: str, asks) -> float:
    """Print how long the requests took, and return the 95th percentile."""
    taken = []
    for ask in asks:
        start = time.perf_counter()
        status = ask()
        taken.append(1000 * (time.perf_counter() - start))
        assert status == 200, status
    median, high = np.percentile(taken, [50, 95])
    print(f"{name:44} {median:7.1f} {high:7.1f}", flush=True)
    return high


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        line = LineDatabase(Path(folder))
        fill(line, count)
        print(f"{count} images, {line.path.stat().st_size / 1e6:.0f} MB, SQLite {sqlite3.sqlite_version}")
        print(f"{'ms':44} {'median':>7} {'p95':>7}")
        highest = 0.0
        with RunningServer(line) as server:
            rng = np.random.default_rng(1)
            last = server.read("/images")["images"][0]["label_id"]

            def pages(query: str):
                def ask(before: int):
                    return lambda: server.ask("GET", f"/images?{query}{'&' if query else ''}before={before}")[0]

                # From the newest page to the oldest one.
                return [ask(int(before)) for before in [last + 1, 5, *rng.integers(1, last, REPEATS)]]

            queries = {
                "all": "",
                "label": "label=scratch",
                "rare label": "label=rare",
                "label that nobody gave": "label=nothing",
                "group": "group=root.3",
                "group with all below": "group=root",
                "rare group": "group=root.99",
                "camera": "camera=left",
                "rare camera": "camera=rare",
                "in doubt": "doubt=1",
                "novel": "novel=1",
                "to review": "unreviewed=1",
                "event of a window": "event=1",
                "proposal": "event=2",
                "novel, to review": "novel=1&unreviewed=1",
                "rare label, in doubt, camera, to review": "label=rare&doubt=1&camera=left&unreviewed=1",
                "novel and a label: none": "novel=1&label=good&unreviewed=1",
            }
            for name, query in queries.items():
                highest = max(highest, measure(name, pages(query)))
            opened = [
                lambda at=at: server.ask("GET", f"/images/{line.images[at]}")[0] for at in rng.integers(0, count, 100)
            ]
            highest = max(highest, measure("an opened image", opened))
            small = [
                lambda at=at: server.ask("GET", f"/thumbnails/{line.images[at]}")[0]
                for at in rng.integers(0, count, 200)
            ]
            highest = max(highest, measure("a thumbnail", small))
            highest = max(
                highest, measure("what there is to filter by", [lambda: server.ask("GET", "/choices")[0]] * 20)
            )
            # For one question, and of words that nobody has exported for a year: not counted.
            measure("how many words wait for an export", [lambda: server.ask("GET", "/exports")[0]] * 10)
            highest = max(highest, measure("events", [lambda: server.ask("GET", "/events")[0]] * 20))

            def say(at: int):
                word = line.word(
                    at,
                    label_id=line.connection.execute(
                        "SELECT label_id FROM labels WHERE image_id = ?", (at + 1,)
                    ).fetchone()[0],
                )
                return lambda: server.ask("POST", "/words", {"operator": "Ada", "words": [word]})[0]

            highest = max(highest, measure("a word", [say(int(at)) for at in rng.integers(0, count, 100)]))
            line.connection.execute(
                "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
                "SELECT image_id, max(label_id), 'Bo', '2026-11-28T00:00:00.000Z', 'confirm', 'good', '', "
                "'all-' || image_id FROM labels GROUP BY image_id"
            )
            highest = max(highest, measure("to review, when all is reviewed", pages("unreviewed=1")[:20]))
        print(f"highest p95: {highest:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
