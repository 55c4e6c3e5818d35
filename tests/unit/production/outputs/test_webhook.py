import socket
import threading

import pytest

from helpers.listeners import closed_port, hanging, listening
from nearlabel.production.outputs import webhook
from nearlabel.production.outputs.sending import Cursor, RefusedError
from nearlabel.production.outputs.webhook import Webhook

MESSAGES = [{"type": "label", "sighting_id": number, "label": "gut – ü"} for number in (1, 2, 3)]


def test_each_message_is_posted_as_json():
    with listening() as server:
        assert Webhook(server.url + "?line=3").send(MESSAGES) == 3
    assert [message for _, _, message in server.got] == MESSAGES
    path, headers, _ = server.got[0]
    assert path == "/labels?line=3" and headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


@pytest.mark.parametrize("answer", [302, 307, 400, 401, 404, 413, 422, 429, 500])
def test_what_is_not_taken_counts_as_not_sent(answer):
    with listening() as server:
        server.answers = [200, answer]
        assert Webhook(server.url).send(MESSAGES) == 1
        server.answers = [answer]
        with pytest.raises(OSError, match=f"answered {answer}") as raised:
            Webhook(server.url).send(MESSAGES)
    assert isinstance(raised.value, RefusedError) == (answer in (400, 413, 422))
    assert server.numbers() == [1, 2, 1]  # And no redirect was followed.


def test_a_closed_port_and_one_that_never_answers_are_errors():
    with pytest.raises(OSError):
        Webhook(f"http://127.0.0.1:{closed_port()}/").send(MESSAGES)
    with hanging() as port, pytest.raises(OSError):
        Webhook(f"http://127.0.0.1:{port}/", timeout=0.1).send(MESSAGES)


def test_an_answer_that_is_no_http_counts_as_not_sent():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for content in (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"220 mail.example\r\n"):
                connection = server.accept()[0]
                connection.recv(65536)
                connection.sendall(content)
                connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        assert Webhook(url).send(MESSAGES) == 1
        thread.join()
        thread = threading.Thread(target=lambda: answer_once(server))
        thread.start()
        with pytest.raises(OSError, match="220 mail"):
            Webhook(url).send(MESSAGES)
        thread.join()


def answer_once(server):
    connection = server.accept()[0]
    connection.recv(65536)
    connection.sendall(b"220 mail.example\r\n")
    connection.close()


def test_passwords_are_sent_and_not_shown(monkeypatch):
    with listening() as server:
        url = server.url.replace("//", "//line:p%40ss@")
        output = Webhook(url)
        output.send(MESSAGES[:1])
        monkeypatch.setenv("NEARLABEL_WEBHOOK_TOKEN", "token")
        Webhook(server.url).send(MESSAGES[:1])
    assert [headers["Authorization"] for _, headers, _ in server.got] == ["Basic bGluZTpwQHNz", "Bearer token"]
    assert "p@ss" not in output.name and "p%40ss" not in output.name
    # Another password is no other output.
    assert output.key == Webhook(server.url).key != Webhook(server.url + "2").key


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/", "host/path", "http://", "http://host:port/", "http://a b/", ""]
)
def test_other_urls_are_refused(url):
    with pytest.raises(ValueError, match="--webhook "):
        Webhook(url)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/größe/a b?c=ä", "/gr%C3%B6%C3%9Fe/a%20b?c=%C3%A4"),
        ("/a%20b/c+d;e=%C3%A4/", "/a%20b/c+d;e=%C3%A4/"),
        ("/K\udcfchl", "/K%FChl"),
        ("/a ", "/a"),
    ],
)
def test_what_people_write_in_urls_is_asked_for_as_a_browser_does(path, asked):
    with listening() as server:
        output = Webhook(server.url.removesuffix("/labels") + path)
        assert output.send(MESSAGES[:1]) == 1
    assert server.got[0][0] == asked and output.name.isascii()
    assert Webhook("http://bücher.example/").name == "webhook http://xn--bcher-kva.example/"


@pytest.mark.parametrize("token", ["s3cret\n", " s3cret\r\n"])
def test_a_line_end_behind_a_token_is_left_out(monkeypatch, token):
    monkeypatch.setenv("NEARLABEL_WEBHOOK_TOKEN", token)
    with listening() as server:
        assert Webhook(server.url).send(MESSAGES[:1]) == 1
    assert server.got[0][1]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("token", ["s3c\nret", "s3c ret", "s3cröt", "s3c\udcfcret"])
def test_what_can_be_no_token_is_refused_and_not_repeated(monkeypatch, token):
    monkeypatch.setenv("NEARLABEL_WEBHOOK_TOKEN", token)
    with pytest.raises(ValueError, match=r"^NEARLABEL_WEBHOOK_TOKEN holds a space, a line end or a letter") as raised:
        Webhook("http://host/")
    assert "s3c" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://line:s3c/ret@host/", "http://[s3cret", "http://line:s3c#ret@host/"])
def test_a_password_that_makes_a_url_none_is_not_repeated(url):
    with pytest.raises(ValueError, match="--webhook is no URL") as raised:
        Webhook(url)
    assert "s3c" not in str(raised.value)


def test_what_has_gone_is_told_after_a_while(monkeypatch):
    """A kill, or the end of a watcher that runs once, would lose it all."""
    monkeypatch.setattr(webhook, "REPORT_S", 0)
    with listening() as server:
        assert Webhook(server.url).send(MESSAGES) == 1
    assert server.numbers() == [1]


def test_a_new_one_begins_now():
    output = Webhook("http://host/")
    newest = Cursor(5, 6)
    assert output.begin(None, newest, bool) is newest
    assert output.begin(Cursor(2, 3), newest, bool).sighting_id == 2
