"""The real server: who is let in, what is sent, changes as they come, how it ends."""

import http.client
import io
import json
import os
import shutil
import ssl
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
from PIL import Image

from helpers.bundles import draw_image, make_bundle
from helpers.review_pages import MARKED, LineDatabase, RunningServer
from helpers.written_bundles import write_made
from nearlabel.images.scales import Scale
from nearlabel.production.bundle.contents import USED
from nearlabel.production.bundle.files import check_bundle
from nearlabel.production.bundle.numbering import write_note
from nearlabel.production.review.connections import Database
from nearlabel.production.review.pictures import as_shown
from nearlabel.production.review.reference import TrainingImages
from nearlabel.production.review.server import guard, stream
from nearlabel.production.review.server.guard import grant_access, read_token
from nearlabel.production.review.shown import ShownBundle

TOKEN = "a token of enough characters"


class Listener:
    """Someone who listens to changes."""

    def __init__(self, server, path="/changes", **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        self.connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
        self.answer = self.connection.getresponse()

    def read(self) -> dict[str, str]:
        """The next message, by field; a comment is ``""``."""
        found = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            field, _, value = line.partition(": ")
            found[field.rstrip(":")] = value
        return found

    def close(self):
        self.connection.close()


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return LineDatabase(tmp_path_factory.mktemp("line"), 8)


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.02)


def test_the_token_is_asked_for(line, monkeypatch):
    monkeypatch.setattr(guard, "_WRONG_TOKEN_SECONDS", 0)
    with RunningServer(line, token=TOKEN, claimed="0.0.0.0") as server:
        status, headers, body = server.ask("GET", "/")
        assert status == 200 and b"asks for a token" in body and b"labels.sqlite" not in body
        for path in ("/images", "/choices", "/events", "/changes", f"/files/{line.images[0]}"):
            assert server.ask("GET", path)[0] == 401
        assert server.ask("POST", "/words", {"operator": "A", "words": [line.word(0)]})[0] == 401
        for wrong in ("x", TOKEN[:-1], TOKEN + "x", "\u00e9"):
            assert server.ask("POST", "/enter", {"token": wrong})[0] == 403
        status, headers, _ = server.ask("POST", "/enter", {"token": TOKEN})
        cookie = headers["set-cookie"]
        assert status == 204 and "HttpOnly" in cookie and "SameSite=strict" in cookie and TOKEN not in cookie
        session = {"Cookie": cookie.split(";")[0]}
        assert server.ask("GET", "/images", None, session)[0] == 200
        assert b"labels.sqlite" in server.ask("GET", "/", None, session)[2]
        for wrong in (f"{cookie.split('=')[0]}=x", f"{cookie.split('=')[0]}={TOKEN}", f"{cookie.split('=')[0]}=\u00e9"):
            assert server.ask("GET", "/images", None, {"Cookie": wrong.encode()})[0] == 401
        # Who has the cookie is still asked where the request came from.
        evil = session | MARKED | {"Origin": "http://evil.example"}
        assert server.ask("POST", "/words", {"operator": "A", "words": [line.word(0)]}, evil)[0] == 403


def test_names_that_the_page_may_be_asked_by(line):
    def answers(server, *names):
        return [server.ask("GET", "/", None, {"Host": name})[0] for name in names]

    with RunningServer(line) as server:
        assert answers(server, "localhost", "127.0.0.1:9999", "[::1]:8765", "LOCALHOST:8765") == [200] * 4
        assert answers(server, "10.0.0.1", "[fe80::1]", "plant-pc") == [421] * 3
    with RunningServer(line, claimed="0.0.0.0", names=["Review.plant.example"], token=TOKEN) as server:
        # An address cannot be made to lead elsewhere.
        assert answers(server, "10.0.0.1:8765", "[fe80::1]", "review.plant.example:80", "localhost") == [200] * 4
        assert answers(server, "plant.example", "evil.example", "10.0.0.1.evil.example") == [421] * 3


def test_a_page_of_its_own_may_send(line):
    with RunningServer(line) as server:
        own = MARKED | {"Origin": server.address, "Sec-Fetch-Site": "same-origin"}
        body = {"operator": "Ada", "words": [line.word(0)]}
        assert server.ask("POST", "/words", body, own)[0] == 200
        assert server.ask("GET", "/", None, {"Sec-Fetch-Site": "cross-site"})[0] == 200


def test_changes_come_as_they_are_written(tmp_path, fast):
    line = LineDatabase(tmp_path, 3)
    with RunningServer(line) as server:
        first, second = Listener(server), Listener(server)
        assert first.answer.getheader("content-type").startswith("text/event-stream")
        assert first.read()["id"] == second.read()["id"] == "3.0.0"
        line.add(2)
        message = first.read()
        images = json.loads(message["data"])["images"]
        assert [one["image"] for one in images] == line.images[:2:-1] and message["id"] == "5.0.0"
        assert second.read() == message
        # Operators see each other's words.
        server.say(line.word(1), operator="Bo")
        heard = [json.loads(one.read()["data"]) for one in (first, second)]
        assert heard[0] == heard[1] and heard[0]["words"][line.images[1]]["operator"] == "Bo"
        line.event("drift", "Brighter.")
        assert json.loads(first.read()["data"])["events"][0]["sentence"] == "Brighter."
        first.close()
        # A browser that comes back says how far it has heard.
        again = Listener(server, "/changes?since=0.0.0", Last_Event_ID="5.0.0")
        assert again.read()["event"] == "ready"
        found = json.loads(again.read()["data"])
        assert "images" not in found and len(found["words"]) == len(found["events"]) == 1
        again.close(), second.close()


def test_a_stream_ends_when_the_database_is_replaced(tmp_path, fast, caplog):
    line = LineDatabase(tmp_path, 1)
    with RunningServer(line) as server:
        listener = Listener(server)
        listener.read()
        os.rename(line.path, tmp_path / "aside")
        assert listener.read() == {}
        listener.close()
        # A browser that asks again is told why, before a stream begins.
        status, _, said = server.ask("GET", "/changes?since=1.0.0")
        assert status == 503 and b"was removed or replaced" in said
        os.rename(tmp_path / "aside", line.path)
    assert "Traceback" not in caplog.text and "Exception" not in caplog.text


def test_a_page_of_another_database_writes_nothing(line, tmp_path):
    """The server was started again at the same port with another database of the same images."""
    other = LineDatabase(tmp_path, 8)
    with RunningServer(line) as server:
        identity = server.database.identity
    stale = {"X-Nearlabel-Database": identity}
    with RunningServer(other) as server:
        event = other.event("proposal", "New.", [1, 2], node="root.3")
        naming = {"operator": "Ada", "event": event, "label": "pit", "request": "r" * 32}
        for method, path, body in (
            ("POST", "/words", {"operator": "Ada", "words": [other.word(0)]}),
            ("POST", "/names", naming),
            ("POST", "/exports", {}),
            ("GET", "/images", None),
            ("GET", f"/changes?since=1.0.0&database={identity}", None),
        ):
            status, headers, said = server.ask(method, path, body, (MARKED if method == "POST" else {}) | stale)
            assert status == 409 and b"Another database" in said and headers["x-nearlabel"] == "1"
        assert other.corrections() == []
        own = {"X-Nearlabel-Database": server.database.identity}
        assert server.ask("GET", "/images", None, own)[0] == server.ask("GET", "/images")[0] == 200


def test_silence_is_broken_and_listeners_are_counted(line, fast, monkeypatch):
    monkeypatch.setattr(stream, "SILENCE_SECONDS", 0.06)
    monkeypatch.setattr("nearlabel.production.review.server.app.MOST_STREAMS", 2)
    with RunningServer(line) as server:
        listeners = [Listener(server), Listener(server)]
        listeners[0].read()
        assert "" in listeners[0].read()
        assert server.ask("GET", "/changes")[0] == 503
        [one.close() for one in listeners]
        for _ in range(200):
            if server.review.streams.open == 0:
                break
            time.sleep(0.02)
        assert server.review.streams.open == 0
        third = Listener(server)
        assert third.answer.status == 200
        third.close()


def test_the_server_ends_although_someone_listens(line):
    server = RunningServer(line)
    listener = Listener(server)
    listener.read()
    start = time.monotonic()
    server.close()
    assert time.monotonic() - start < 10 and listener.read() == {}
    listener.close()


def test_with_a_bundle(tmp_path):
    bundles = tmp_path / "bundles"
    write_made(bundles)
    shown = ShownBundle(bundles)
    bundle = shown.training.bundle
    line = LineDatabase(tmp_path / "line")
    file = tmp_path / "strip.png"
    draw_image("crazing", 1).save(file)
    line.add_file(file, novel=True)
    neighbor = {"image_id": str(bundle.reference.image_id[4]), "distance": 0.5, "label": "good", "node": ""}
    line.connection.execute(
        "UPDATE labels SET bundle_sha256 = ?, x = 0, y = 0, neighbors = ?", (bundle.sha256, json.dumps([neighbor]))
    )
    with RunningServer(line, shown=shown) as server:
        found = server.read(f"/images/{line.images[0]}")
        assert found["neighbors"][0]["row"] == 4 and all(0 <= step <= 10_000 for step in found["place"])
        # A row is of one bundle: what a browser keeps under its address is never another one's.
        assert found["shown"] == server.read("/map")["bundle"] == bundle.sha256
        assert server.ask("GET", f"/training/{bundle.sha256}/4")[2] == bundle.reference.thumbnails[4]
        assert server.ask("GET", f"/training/{'0' * 64}/4")[0] == 404
        assert len(server.read("/map")["x"]) == len(bundle.reference.image_id)
        # A map is made while others are answered.
        drawn = []
        asking = threading.Thread(target=lambda: drawn.append(server.ask("GET", f"/novelty/{line.images[0]}")))
        asking.start()
        assert server.ask("GET", "/images")[0] == 200
        asking.join(60)
        status, headers, body = drawn[0]
        assert (status, headers["content-type"], body[:4]) == (200, "image/png", b"\x89PNG")
        file.write_bytes(b"no image")
        assert server.ask("GET", f"/novelty/{line.images[0]}")[0] == 410


def test_another_bundle_that_is_put_in_use_is_shown_when_the_page_is_opened(tmp_path, caplog):
    bundles = tmp_path / "bundles"
    write_made(bundles, coverage=0.90)
    with RunningServer(LineDatabase(tmp_path / "line"), shown=ShownBundle(bundles)) as server:

        def number():
            server.ask("GET", "/")
            return server.review.training.bundle.number

        write_made(bundles, coverage=0.91)
        assert number() == 1
        write_note(bundles, USED, check_bundle(bundles / "2"))
        assert number() == 2 and b'"number":2' in server.ask("GET", "/")[2].replace(b" ", b"")
        shutil.rmtree(bundles / "1")
        write_note(bundles, USED, {"number": 1, "sha256": "0" * 64})
        assert number() == 2 and "another bundle was put in use and cannot be" in caplog.text


def test_a_bundle_that_comes_after_its_note_is_shown_once_it_is_there(tmp_path, monkeypatch, caplog):
    bundles = tmp_path / "bundles"
    write_made(bundles, coverage=0.90)
    shown = ShownBundle(bundles)
    write_made(bundles, coverage=0.91)
    facts = check_bundle(bundles / "2")
    (bundles / "2").rename(tmp_path / "coming")
    write_note(bundles, USED, facts)
    assert [shown.follow(), shown.follow(), shown.training.bundle.number] == [False, False, 1]
    (tmp_path / "coming").rename(bundles / "2")
    # Not with every page that is opened.
    assert not shown.follow()
    monkeypatch.setattr("nearlabel.production.review.shown._AGAIN_S", 0.0)
    assert [shown.follow(), shown.follow(), shown.training.bundle.number] == [True, False, 2]
    assert caplog.text.count("cannot be") == 1


def test_maps_that_nobody_waits_for_hold_up_nobody(tmp_path):
    """Fifty maps are asked for and given up, as by whoever holds down an arrow key: others are answered meanwhile."""
    line = LineDatabase(tmp_path, 50)
    go = threading.Event()
    made = []

    class Maps:
        def map(self, sha256, content):
            made.append(sha256)
            assert go.wait(20)

    training = TrainingImages(make_bundle(tmp_path / "bundle"))
    shown = SimpleNamespace(training=training, maps=Maps(), follow=lambda: False)
    with RunningServer(line, shown=shown) as server:
        askers = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=20) for _ in line.images]
        for asker, sha256 in zip(askers, line.images, strict=True):
            asker.request("GET", f"/novelty/{sha256}")
        while not made:
            time.sleep(0.01)
        assert all(server.ask("GET", f"/images/{sha256}")[0] == 200 for sha256 in line.images[:5])
        assert server.ask("GET", f"/files/{line.images[0]}")[0] == 200
        for asker in askers[:-1]:
            asker.close()
        go.set()
        assert askers[-1].getresponse().status == 404
        askers[-1].close()
    # What had begun, what was asked for last, and perhaps one that was given up in between.
    assert len(made) <= 5 and made[-1] == line.images[-1]


def test_files_that_a_browser_does_not_read_are_sent_as_png(tmp_path):
    line = LineDatabase(tmp_path / "line")
    deep = tmp_path / "deep.tif"
    Image.linear_gradient("L").convert("I;16").save(deep)
    line.add_file(deep)
    # A bundle knows which value is white.
    dark = as_shown(deep.read_bytes(), "I;16", Scale(bits=16))[0], as_shown(deep.read_bytes(), "I;16", Scale(bits=8))[0]
    assert [max(Image.open(io.BytesIO(one)).getextrema())[1] for one in dark] == [1, 255]
    photo = tmp_path / "photo.jpg"
    Image.linear_gradient("L").save(photo)
    line.add_file(photo)
    with RunningServer(line) as server:
        first, second = (server.ask("GET", f"/files/{sha256}") for sha256 in line.images)
        assert first[1]["content-type"] == "image/png" and first[2][:4] == b"\x89PNG"
        # Another bundle may have another scale.
        assert [one[1]["cache-control"] == "no-store" for one in (first, second)] == [True, False]
        assert (second[1]["content-type"], second[2]) == ("image/jpeg", photo.read_bytes())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_encrypted(tmp_path):
    line = LineDatabase(tmp_path, 1)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    subprocess.run(["openssl", *words.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with RunningServer(line, token=TOKEN, claimed="0.0.0.0", tls=(certificate, key)) as server:
        context = ssl.create_default_context(cafile=str(certificate))
        connection = http.client.HTTPSConnection("localhost", server.port, context=context, timeout=20)
        connection.request("POST", "/enter", json.dumps({"token": TOKEN}), MARKED | {"Host": "localhost"})
        answer = connection.getresponse()
        assert answer.status == 204 and "Secure" in answer.getheader("set-cookie")
        connection.close()


def test_a_busy_database_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("nearlabel.production.review.connections.BUSY_SECONDS", 0)
    line = LineDatabase(tmp_path, 1)
    with RunningServer(line) as server:
        line.connection.execute("BEGIN IMMEDIATE")
        status, headers, _ = server.ask("POST", "/words", {"operator": "A", "words": [line.word(0)]})
        assert status == 503 and headers["retry-after"]
        assert server.ask("GET", "/images")[0] == 200
        line.connection.execute("ROLLBACK")
        assert server.say(line.word(0))[0]["state"] == "kept"


def test_a_database_that_was_replaced_takes_no_words(tmp_path):
    line = LineDatabase(tmp_path, 1)
    with RunningServer(line) as server:
        os.rename(line.path, tmp_path / "aside")
        shutil.copy(tmp_path / "aside", line.path)
        for method, path, body in (
            ("POST", "/words", {"operator": "A", "words": [line.word(0)]}),
            ("GET", "/images", None),
        ):
            status, headers, said = server.ask(method, path, body)
            assert status == 503 and headers["retry-after"] and b"was removed or replaced" in said
        os.replace(tmp_path / "aside", line.path)
        assert server.say(line.word(0))[0]["state"] == "kept"


def test_an_error_of_the_server_tells_nothing(line, monkeypatch):
    monkeypatch.setattr("nearlabel.production.review.server.app.read_page", lambda *_: 1 / 0)
    with RunningServer(line) as server:
        status, headers, body = server.ask("GET", "/images")
        assert status == 500 and b"Zero" not in body and headers["x-content-type-options"] == "nosniff"


def test_a_database_has_one_identity(line):
    first, second = Database(line.path), Database(line.path)
    assert first.identity == second.identity and len(first.identity) == 32
    first.close(), second.close()


def test_tokens(tmp_path):
    drawn, new = read_token(None)
    assert new and len(drawn) >= 24 and drawn != read_token(None)[0]
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == (TOKEN, False)
    for wrong in ("short", "\u00e9" * 20, "two\nlines of enough characters"):
        file.write_text(wrong, encoding="utf-8")
        with pytest.raises(ValueError, match="token"):
            read_token(file)
    assert [grant_access(host, 1).loopback for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "plant-pc")] == [
        True, True, True, False, False
    ]  # fmt: skip
