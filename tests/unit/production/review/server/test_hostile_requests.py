"""Requests that no page sends, to the real server: refused; nothing is written, no path and no secret is told."""

import json
import os
import socket
import time
from urllib.parse import quote

import pytest

from helpers.review_pages import MARKED, LineDatabase, RunningServer
from nearlabel.production.review.server import requests as reading
from nearlabel.production.review.server import serving

NAME = '<img src=x onerror=alert(1)>"&.png'
FILES = {"secret.txt": b"the secret", "labels/labels-x.csv": b"the secret"}
SHA = "a" * 64
WORD = {"request": "r" * 32, "image": SHA, "label_id": 1, "action": "confirm"}
NAMING = {"operator": "A", "event": 9, "label": "x", "request": "r" * 32}
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("line")
    line = LineDatabase(folder, 6)
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    with RunningServer(line) as running:
        yield running


def word(**changes):
    return json.dumps({"operator": "Ada", "words": [WORD | changes]}).encode()


def post(path="/words", body=None, **headers):
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        "POST",
        path,
        word() if body is None else body,
        {k: v for k, v in (MARKED | changed).items() if v is not None},
    )


def get(path, method="GET", **headers):
    return (method, path, None, {name.replace("_", "-"): value for name, value in headers.items()})


# What is asked, and what is answered.
HOSTILE = {
    # Files that are not registered.
    "a path above": (get("/files/../secret.txt"), 404),
    "a path above, encoded": (get("/files/..%2f..%2fsecret.txt"), 404),
    "a path above, encoded twice": (get("/files/%252e%252e%252fsecret.txt"), 404),
    "a path above, backslashes": (get("/files/..\\..\\secret.txt"), 404),
    "an absolute path": (get("/files//etc/passwd"), 404),
    "an absolute path, encoded": (get("/files/%2fetc%2fpasswd"), 404),
    "a zero byte": (get("/files/%00"), 404),
    "no hash": (get("/files/1"), 404),
    "a hash in capitals": (get(f"/files/{SHA.upper()}"), 404),
    "a hash and a path": (get(f"/files/{SHA}/../../secret.txt"), 404),
    "an unknown hash": (get(f"/files/{SHA}"), 404),
    "an unknown thumbnail": (get(f"/thumbnails/{SHA}"), 404),
    "an unknown novelty": (get(f"/novelty/{SHA}"), 404),
    "a training image without a bundle": (get("/training/0"), 404),
    "a negative training image": (get("/training/-1"), 404),
    "static files": (get("/static/review.js"), 404),
    "the database": (get("/labels.sqlite"), 404),
    "Starlette's documentation": (get("/docs"), 404),
    # Methods.
    "PUT": (get("/words", "PUT", X_Nearlabel="1"), 405),
    "DELETE an image": (get(f"/images/{SHA}", "DELETE", X_Nearlabel="1"), 405),
    "PATCH": (get("/", "PATCH", X_Nearlabel="1"), 405),
    "OPTIONS, without the mark": (get("/words", "OPTIONS", Origin="http://evil.example"), 403),
    "TRACE": (get("/", "TRACE", X_Nearlabel="1"), 405),
    "an unknown method": (get("/", "HACK", X_Nearlabel="1"), 405),
    "GET of what is only sent": (get("/words"), 405),
    "POST of what is only read": (post("/images", b"{}"), 405),
    # Names that the page is asked by: DNS rebinding.
    "another host": (get("/", Host="evil.example"), 421),
    "another host's port": (get("/images", Host="evil.example:8765"), 421),
    "a host that begins alike": (get("/", Host="localhost.evil.example"), 421),
    "an address of the network": (get("/", Host="192.168.0.9"), 421),
    "an empty host": (get("/", Host=""), 421),
    "a host with a path": (get("/", Host="localhost/evil"), 421),
    "a port that is none": (get("/", Host="localhost:evil"), 421),
    # Pages of other sites.
    "a form of another site": (post(Content_Type="application/x-www-form-urlencoded", X_Nearlabel=None), 403),
    "plain text of another site": (post(Content_Type="text/plain", X_Nearlabel=None), 403),
    "without the mark": (post(X_Nearlabel=None), 403),
    "another mark": (post(X_Nearlabel="2"), 403),
    "of another database": (post(X_Nearlabel_Database="0" * 32), 409),
    "a name of another database": (post("/names", json.dumps(NAMING).encode(), X_Nearlabel_Database="0" * 32), 409),
    "of no database": (post(X_Nearlabel_Database=""), 409),
    "images of another database": (get("/images", X_Nearlabel_Database="0" * 32), 409),
    "a stream of another database": (get("/changes?database=" + "0" * 32), 409),
    "another origin": (post(Origin="http://evil.example"), 403),
    "no origin": (post(Origin="null"), 403),
    "another port's origin": (post(Origin="http://127.0.0.1:1"), 403),
    "sent across sites": (post(Sec_Fetch_Site="cross-site"), 403),
    "sent from a site beside": (post(Sec_Fetch_Site="same-site"), 403),
    "an export from another site": (post("/exports", b"{}", Sec_Fetch_Site="cross-site"), 403),
    "images read across sites": (get("/images", Sec_Fetch_Site="cross-site"), 403),
    "a picture across sites": (get(f"/files/{SHA}", Sec_Fetch_Site="cross-site"), 403),
    # Bodies.
    "a form": (post(Content_Type="application/x-www-form-urlencoded"), 415),
    "several parts": (post(Content_Type="multipart/form-data; boundary=x"), 415),
    "no type": (post(Content_Type=""), 415),
    "compressed": (post(Content_Encoding="gzip"), 415),
    "too large": (post(body=b" " * 300_000), 413),
    "said to be too large": (post(body=b"{}", Content_Length="99999999999"), 413),
    "empty": (post(body=b""), 400),
    "no JSON": (post(body=b"{"), 400),
    "no UTF-8": (post(body=b'{"operator": "\xff"}'), 400),
    "a list": (post(body=b"[]"), 400),
    "a name twice": (post(body=b'{"operator": "Ada", "operator": "Bo", "words": []}'), 400),
    "no number": (post(body=b'{"operator": NaN}'), 400),
    "too deep": (post(body=DEEP.encode()), 400),
    "no words": (post(body=b'{"operator": "Ada", "words": []}'), 400),
    "words that are a text": (post(body=b'{"operator": "Ada", "words": "all"}'), 400),
    "words that are numbers": (post(body=b'{"operator": "Ada", "words": [1]}'), 400),
    "too many words": (post(body=json.dumps({"operator": "Ada", "words": [1] * 501}).encode()), 400),
    "an unknown field": (post(body=word(path="/etc/passwd")), 400),
    "an unknown action": (post(body=word(action="delete")), 400),
    "a number for an action": (post(body=word(action=1)), 400),
    "a list for an action": (post(body=word(action=["confirm"])), 400),
    "a label with a confirmation": (post(body=word(label="x")), 400),
    "a correction of nothing": (post(body=word(action="correct")), 400),
    "a label that is a list": (post(body=word(action="correct", label=["x"])), 400),
    "a label that cannot be seen": (post(body=word(action="correct", label="a\u202eb")), 400),
    "a label of control characters": (post(body=word(action="correct", label="a\x00b")), 400),
    "half a character": (post(body=b'{"operator": "\\ud800", "words": [{}]}'), 400),
    "a label without end": (post(body=word(action="correct", label="x" * 101)), 400),
    "a group that is none": (post(body=word(action="correct", node="root.1; DROP")), 400),
    "a group of other digits": (post(body=word(action="correct", node="root.\u0661")), 400),
    "a truth for a number": (post(body=word(label_id=True)), 400),
    "a fraction": (post(body=word(label_id=1.5)), 400),
    "a number beyond SQLite": (post(body=word(label_id=2**63)), 400),
    "a negative number": (post(body=word(label_id=-1)), 400),
    "SQL for a hash": (post(body=word(image="' OR 1=1 --")), 400),
    "a short request": (post(body=word(request="1")), 400),
    "a request of other characters": (post(body=word(request="r" * 30 + "/1")), 400),
    "an operator of spaces": (post(body=b'{"operator": "  ", "words": [{}]}'), 400),
    "no operator": (post(body=b'{"words": [{}]}'), 400),
    "an export of something": (post("/exports", b'{"folder": "/etc"}'), 400),
    "a proposal that is none": (post("/names", json.dumps(NAMING).encode()), 404),
    "a token where none is asked for": (post("/enter", b'{"token": "x"}'), 403),
    # Addresses.
    "an unknown parameter": (get("/images?where=1"), 400),
    "a parameter twice": (get("/images?label=a&label=b"), 400),
    "a page that is no number": (get("/images?before=1;DROP%20TABLE%20labels"), 400),
    "a page that is a fraction": (get("/images?before=1.5"), 400),
    "a page of other digits": (get("/images?before=%D9%A3"), 400),
    "a page of a huge number": (get("/images?before=99999999999999999999999"), 400),
    "a page before the first": (get("/images?before=0"), 400),
    "an event beyond SQLite": (get("/images?event=9223372036854775808"), 400),
    "a truth that is another": (get("/images?novel=true"), 400),
    "a label without end, asked for": (get(f"/images?label={'x' * 300}"), 400),
    "an address without end": (get(f"/images?label={'x' * 5000}"), 414),
    "a stream from nowhere": (get("/changes?since=x"), 400),
    "a stream from beyond SQLite": (get("/changes", Last_Event_ID="1.2.99999999999999999999"), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_is_refused(server, name):
    request, expected = HOSTILE[name]
    before = server.line.corrections()
    status, headers, body = server.ask(*request)
    assert status == expected, body
    text = body.decode()
    assert len(text) < 200 and "secret" not in text and str(server.line.folder) not in text and "Traceback" not in text
    assert "Error" not in text and "sqlite" not in text.lower()
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"] and "server" not in headers
    assert "access-control-allow-origin" not in headers and server.line.corrections() == before
    assert server.ask("GET", "/images")[0] == 200


def test_there_are_many():
    assert len(HOSTILE) >= 30


# SQL, globs and markup in what is a text: found nowhere, and harmless.
@pytest.mark.parametrize(
    "text", ["' OR 1=1 --", '"; DROP TABLE labels; --', "%", "*", "<script>", "root%2e0%", "\u0661"]
)
@pytest.mark.parametrize("name", ["label", "group", "camera"])
def test_filters_are_texts(server, name, text):
    assert server.read(f"/images?{name}={quote(text)}")["images"] == []


def exchange(server, content: bytes, wait: float = 5.0) -> bytes:
    """Send bytes as they are, of the server's database; return what comes until it hangs up or is silent."""
    content = content.replace(b"X-Nearlabel: 1\r\n", b"X-Nearlabel: 1\r\nX-Nearlabel-Database: IDENTITY\r\n")
    content = content.replace(b"IDENTITY", server.database.identity.encode())
    with socket.create_connection(("127.0.0.1", server.port), timeout=wait) as connection:
        connection.sendall(content)
        found = b""
        try:
            while part := connection.recv(65536):
                found += part
        except TimeoutError:
            pass
        return found


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 4"),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.1 421"),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 404"),
        (b"GET /files/../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 404"),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"HTTP/1.1 421"),
        (b"CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"HTTP/1.1 4"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000, b"HTTP/1.1 400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HTTP/1.1 400"),
        (b"GET /changes HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n"
         b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
         b"Sec-Fetch-Site: cross-site\r\n\r\n", b"HTTP/1.1 403"),
        (b"POST /words HTTP/1.1\r\nHost: localhost\r\nX-Nearlabel: 1\r\nContent-Type: application/json\r\n"
         b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n", b"HTTP/1.1 4"),
        (b"POST /words HTTP/1.1\r\nHost: localhost\r\nX-Nearlabel: 1\r\nContent-Type: application/json\r\n"
         b"Content-Length: -5\r\nConnection: close\r\n\r\n{}", b"HTTP/1.1 4"),
    ],
)  # fmt: skip
def test_no_request_of_a_browser(server, content, start):
    assert exchange(server, content).startswith(start)
    assert server.ask("GET", "/images")[0] == 200


def test_a_body_in_pieces_without_end_is_cut_off(server):
    head = b"POST /words HTTP/1.1\r\nHost: localhost\r\nX-Nearlabel: 1\r\nContent-Type: application/json\r\n"
    piece = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = exchange(server, head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 12)
    assert answer.startswith(b"HTTP/1.1 413") and b"connection: close" in answer.lower()


def test_a_slow_body_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.2)
    head = b"POST /words HTTP/1.1\r\nHost: localhost\r\nX-Nearlabel: 1\r\nContent-Type: application/json\r\n"
    answer = exchange(server, head + b"Content-Length: 100\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408") and b"connection: close" in answer.lower()


def test_a_slow_head_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    start = time.monotonic()
    assert exchange(server, b"GET / HTTP/1.1\r\nHost: local", wait=8) == b""
    # The server has hung up.
    assert time.monotonic() - start < 7


@pytest.mark.parametrize("asked", [1, 2])
def test_a_slow_head_after_an_answer_is_not_waited_for(server, monkeypatch, asked):
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=8) as connection:
        for _ in range(asked):
            connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"Not Found"):
                answer += connection.recv(65536)
            # Between two requests a browser may be quiet for longer.
            time.sleep(0.6)
        connection.sendall(b"G")
        start = time.monotonic()
        assert connection.recv(100) == b"" and time.monotonic() - start < 7


# What lies where a registered image lay.
def _other(path):
    path.write_bytes(b"the secret")


def _same_size(path):
    path.write_bytes(b"x" * path.stat().st_size)


def _link(path):
    path.unlink()
    path.symlink_to(path.parents[1] / "secret.txt")


def _folder(path):
    path.unlink()
    path.mkdir()


def _pipe(path):
    path.unlink()
    os.mkfifo(path)


def _device(path):
    path.unlink()
    path.symlink_to("/dev/zero")


def _nothing(path):
    path.unlink()


@pytest.mark.parametrize("replace", [_other, _same_size, _link, _folder, _pipe, _device, _nothing])
def test_only_the_registered_content_is_sent(tmp_path, replace):
    line = LineDatabase(tmp_path, 1)
    (tmp_path / "secret.txt").write_bytes(b"the secret")
    with RunningServer(line) as server:
        address = f"/files/{line.images[0]}"
        assert server.ask("GET", address)[2] == line.files[0].read_bytes()
        replace(line.files[0])
        status, _, body = server.ask("GET", address)
        assert status == 410 and b"secret" not in body and str(tmp_path).encode() not in body


def test_names_are_data(tmp_path):
    """Names of files, operators and labels come as JSON: no name is ever part of a page."""
    line = LineDatabase(tmp_path)
    file = tmp_path / NAME
    LineDatabase(tmp_path / "other", 1).files[0].rename(file)
    line.add_file(file, label="</script><script>alert(1)</script>", novel=False)
    with RunningServer(line, operator="</script><b>") as server:
        status, headers, body = server.ask("GET", "/")
        assert status == 200 and b"</script><b>" not in body and b"\\u003c/script>" in body
        assert "unsafe" not in headers["content-security-policy"]
        found = server.ask("GET", "/images")
        assert found[1]["content-type"] == "application/json" and json.loads(found[2])["images"][0]["name"] == NAME
        [result] = server.say(line.word(0, "correct", label="<b>\"'&"), operator="<i>O'Neill</i>")
        assert (result["word"]["label"], result["word"]["operator"]) == ("<b>\"'&", "<i>O'Neill</i>")


def test_a_picture_is_asked_for_by_its_head_or_in_part(server):
    address = f"/files/{server.line.images[0]}"
    whole = server.ask("GET", address)[2]
    status, headers, body = server.ask("HEAD", address)
    assert (status, body, int(headers["content-length"])) == (200, b"", len(whole))
    # Ranges are not offered: the whole is a valid answer.
    for wanted in ("bytes=0-3", "bytes=999999-", "bytes=-1", "bytes=0-0,2-3", "x"):
        assert server.ask("GET", address, None, {"Range": wanted})[::2] == (200, whole)
