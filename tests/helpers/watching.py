"""A watcher of a folder with a labeller that takes no time."""

import hashlib
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from helpers.labelled_images import labelled, prepared
from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.bundle.contents import Calibration, NodeGroups
from nearlabel.production.database.opening import open_database
from nearlabel.production.watch.options import WatchOptions
from nearlabel.production.watch.watcher import Watcher

TORN = b"torn"
"""How the content of a file begins that cannot be read."""


class QuickLabeller:
    """Reads any bytes as an image, and counts how many are ready and not labelled yet."""

    def __init__(self, number: int = 1, wait: float = 0.0):
        calibration = Calibration(np.linspace(0, 1, 50), 5, {}, np.linspace(0.4, 0.6, 50), np.linspace(0, 0.2, 50))
        sha256 = hashlib.sha256(f"{number}".encode()).hexdigest()
        root = NodeGroups("root", "", None, np.array([[0.5, -1.5], [9.0, 9.0]]), np.array([10, 10]), 1.0)
        self.bundle = SimpleNamespace(
            number=number,
            sha256=sha256,
            calibration=calibration,
            nodes={"root": root},
            facts={"normal": ["good"]},
            reference=SimpleNamespace(features=np.empty((0, 2))),
        )
        self.wait, self.ready, self.most, self.labelled = wait, 0, 0, []
        self.spoilt: set[str] = set()
        self.lock = threading.Lock()

    def prepare(self, path, *, shown=False):
        try:
            content = Path(path).read_bytes()
        except OSError as error:
            raise UnreadableImageError(f"the file cannot be read: {error.strerror}") from error
        if content.startswith(TORN):
            raise UnreadableImageError("the file ends too early")
        with self.lock:
            self.ready += 1
            self.most = max(self.most, self.ready)
        return prepared(str(path), content)

    def label(self, images):
        if any(Path(image.path).name in self.spoilt for image in images):
            raise RuntimeError("spoilt")
        time.sleep(self.wait)
        with self.lock:
            self.ready -= len(images)
        self.labelled += [image.path for image in images]
        return [labelled(image) for image in images]


class Watching:
    """A watcher with its folder, database and labeller.

    Attributes
    ----------
    inbox : Path
    connection : sqlite3.Connection
        For looking.
    """

    def __init__(self, folder: Path, labeller=None, look=lambda: None, **options):
        self.inbox, self.database = folder / "inbox", folder / "labels.sqlite"
        self.inbox.mkdir(exist_ok=True)
        self.source = SimpleNamespace(labeller=labeller or QuickLabeller(), look=look)
        options = {"settle_s": 0.02, "give_up_s": 0.1, "poll_s": 0.01, "batch": 4, "report_every_s": 0} | options
        self.writer = open_database(self.database, create=True, any_thread=True)
        self.connection = open_database(self.database, any_thread=True)
        for name in ("archive", "quarantine"):
            # As the command makes them.
            if options.get(name) is not None and not options[name].exists():
                options[name].mkdir(parents=True)
        facts = options.pop("facts", None)
        self.watcher = Watcher(
            self.inbox, self.database, self.writer, self.source, WatchOptions(**options), facts=facts
        )
        self.thread = None

    @property
    def labeller(self):
        return self.source.labeller

    def put(self, name: str, content: bytes | None = None) -> Path:
        """Put a file into the inbox; its content is its name unless it is given."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() if content is None else content)
        return path

    def once(self) -> "Watching":
        """Watch until all is done."""
        self.watcher.run()
        self.writer.close()
        return self

    def __enter__(self) -> "Watching":
        self.error = None

        def run():
            try:
                self.watcher.run()
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=run)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.watcher.stop()
        self.thread.join()
        self.writer.close()

    def until(self, query: str, value=1, seconds: float = 20.0) -> None:
        """Wait until a query of the database gives a value."""
        end = time.monotonic() + seconds
        while (got := self.one(query)) != value:
            assert self.error is None, self.error
            assert time.monotonic() < end, f"{query} gives {got!r}, not {value!r}"
            time.sleep(0.005)

    def one(self, query: str, *values):
        """First column of the first row."""
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else row[0]

    def all(self, query: str) -> list[tuple]:
        """Rows."""
        return [tuple(row) for row in self.connection.execute(query)]

    def count(self, table: str) -> int:
        """Rows of a table."""
        return self.one(f"SELECT count(*) FROM {table}")
