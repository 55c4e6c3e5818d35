"""The review page: a database as the watcher would have left it, the real server, and what is seen of it."""

import http.client
import json
import secrets
import socket
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains

from helpers.label_pages import wait_for
from helpers.labelled_images import labelled, prepared
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.recording import Arrival, Event, Recorded, record_batch
from nearlabel.production.labeller.reading import draw_thumbnail
from nearlabel.production.review.connections import Database
from nearlabel.production.review.server.app import Review
from nearlabel.production.review.server.guard import grant_access
from nearlabel.production.review.server.serving import Server

LABELS = ("good", "scratch", "pit")
MARKED = {"X-Nearlabel": "1", "Content-Type": "application/json"}


def draw_picture(seed: int, size=(96, 64)) -> Image.Image:
    """A grey image that no other seed has, with a bright line for every second one."""
    pixels = np.random.default_rng(seed).integers(70, 110, (size[1], size[0]), dtype=np.uint8)
    if seed % 2:
        pixels[20 + seed % 20 :: 97, 8:80] = 230
    return Image.fromarray(pixels)


class LineDatabase:
    """A database that fills as the watcher fills it.

    Image i is ``cam/part_{i:04d}.png`` of camera ``left`` or ``right``; every fifth is novel, every seventh in doubt.
    """

    def __init__(self, folder: Path, count: int = 0):
        self.folder = folder
        self.path = folder / "labels.sqlite"
        folder.mkdir(parents=True, exist_ok=True)
        self.connection = open_database(self.path, create=True, any_thread=True)
        self.images: list[str] = []
        self.files: list[Path] = []
        self.add(count)

    def add(self, count: int, **said) -> None:
        """Let images come."""
        start, label_id = len(self.images), self._next
        rows = [self._row(start + step, label_id + step, **said) for step in range(count)]
        self._record(rows)

    def add_file(self, file: Path, **said) -> None:
        """Let one file come."""
        self._record([self._row(len(self.images), self._next, file=file, **said)])

    @property
    def _next(self) -> int:
        return self.connection.execute("SELECT coalesce(max(label_id), 0) + 1 FROM labels").fetchone()[0]

    def _record(self, rows: list[Recorded], bundle: int = 1) -> None:
        record_batch(self.connection, rows, bundle=bundle, bundle_sha256=f"{bundle:064x}")

    def _row(self, number: int, label_id: int, file: Path | None = None, **said) -> Recorded:
        if file is None:
            file = self.folder / "cam" / f"part_{number:04d}.png"
            file.parent.mkdir(exist_ok=True)
            draw_picture(number).save(file)
        content = file.read_bytes()
        with Image.open(file) as picture:
            size, mode, small = picture.size, picture.mode, draw_thumbnail(picture.convert("RGB"))
        image = replace(
            prepared(str(file), content), width=size[0], height=size[1], mode=mode, thumbnail=small, path=str(file)
        )
        novel = said.pop("novel", number % 5 == 4)
        found = labelled(image, label=said.pop("label", LABELS[number % 3]), novel=novel)
        if number % 7 == 3 and not novel:
            found = replace(found, label_set=("good", "pit"), confidence=0.4)
        self.images.append(image.sha256)
        self.files.append(file)
        camera = ("left", "right")[number % 2]
        return Recorded(Arrival(str(file), 1_000 + number, image.bytes, camera, str(file)), image, found, label_id)

    def see_again(self, number: int, file: Path) -> None:
        """Let a copy of an image come, which is not labelled anew."""
        row = self._row(number, number + 1, file)
        self.images.pop(), self.files.pop()
        self._record([replace(row, labelled=None)])

    def relabel(self, number: int, bundle: int = 2, **said) -> None:
        """Let another bundle label an image that came before."""
        file, sha256 = self.files[number], self.images[number]
        row = self._row(number, self._next, file, **said)
        self.images.pop(), self.files.pop()
        assert row.prepared.sha256 == sha256
        self._record([row], bundle)

    def event(self, kind: str, sentence: str, label_ids=(), **detail) -> int:
        """Let something happen; returns its number."""
        ids = list(label_ids)
        first, last = (min(ids), max(ids)) if ids else (None, None)
        record_batch(self.connection, events=[Event(kind, sentence, {"label_ids": ids} | detail, first, last)])
        return self.connection.execute("SELECT max(event_id) FROM events").fetchone()[0]

    def corrections(self) -> list[dict]:
        return [dict(row) for row in self.connection.execute("SELECT * FROM corrections ORDER BY correction_id")]

    def word(self, number: int, action: str = "confirm", **fields) -> dict:
        """A word on an image, as the page sends it."""
        ids = {"image": self.images[number], "label_id": number + 1}
        return {"request": secrets.token_hex(16), "action": action} | ids | fields


class RunningServer:
    """The real server, in a thread of this process."""

    def __init__(self, line: LineDatabase, *, host: str = "127.0.0.1", token: str = "", names=(), **options):
        self.line = line
        self.database = Database(line.path)
        self._listening = socket.create_server((host, options.pop("port", 0)))
        self.port = self._listening.getsockname()[1]
        claimed = options.pop("claimed", host)
        certificates = options.pop("tls", ())
        access = grant_access(claimed, self.port, names, token, bool(certificates))
        self.labels, self.captured = line.folder / "labels", line.folder / "line"
        self.review = Review(self.database, access, self.labels, self.captured, **options)
        self.server = Server(self.review, host, self.port, *certificates)
        self._thread = threading.Thread(target=self.server.run, args=([self._listening],))
        self._thread.start()
        self.address = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join(20)
        self.database.close()
        assert not self._thread.is_alive()

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def ask(self, method: str, path: str, body=None, headers=None) -> tuple[int, dict[str, str], bytes]:
        """One request; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        given = dict(MARKED) if method == "POST" and headers is None else dict(headers or {})
        if method == "POST":
            given.setdefault("X-Nearlabel-Database", self.database.identity)
        connection.request(method, path, content, given)
        answer = connection.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        connection.close()
        return found

    def read(self, path: str):
        """The JSON that an address answers."""
        status, _, body = self.ask("GET", path)
        assert status == 200, (status, body)
        return json.loads(body)

    def say(self, *words, operator: str = "Ada") -> list[dict]:
        """Send words; returns the results."""
        status, _, body = self.ask("POST", "/words", {"operator": operator, "words": list(words)})
        assert status == 200, (status, body)
        return json.loads(body)["results"]


class ReviewPage:
    """The page in a browser."""

    def __init__(self, driver, address: str):
        self.driver, self.address = driver, address

    def open(self, operator: str | None = "Ada", fresh: bool = True) -> "ReviewPage":
        """Open the page and say who reviews, None: the server knows; fresh: in a browser that has kept nothing."""
        self.driver.get(self.address)
        if fresh:
            self.js("localStorage.clear()")
            self.driver.get(self.address)
        self.wait(
            "const { loaded, choices } = document.body.dataset;return loaded !== undefined && choices !== undefined"
        )
        if operator is not None:
            self.wait("return document.querySelector('#who').open")
            self.js("document.querySelector('#nameField').value = arguments[0]", operator)
            self.js("document.querySelector('#begin').click()")
        self.wait(
            "return Boolean(document.body.dataset.operator) && document.querySelector('#live').textContent === 'live'"
        )
        return self

    def js(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, code: str, *arguments):
        """Wait until a script's result is true; return it."""
        return wait_for(self.driver, code, *arguments)

    def press(self, *keys: str) -> "ReviewPage":
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()
        return self

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0]).innerText", selector)

    def click(self, selector: str) -> None:
        self.js("document.querySelector(arguments[0]).click()", selector)

    @property
    def current(self) -> str:
        return self.js("return document.body.dataset.current")

    @property
    def shown(self) -> list[str]:
        """The images of the grid, in order."""
        return self.js("return [...document.querySelectorAll('[role=option]')].map((cell) => cell.dataset.image)")

    def word_of(self, image: str) -> str:
        return self.js('return document.querySelector(`[data-image="${arguments[0]}"] .word`).textContent', image)

    def sent(self) -> None:
        """Wait until the server has every word."""
        self.wait("return document.body.dataset.waiting === '0'")
