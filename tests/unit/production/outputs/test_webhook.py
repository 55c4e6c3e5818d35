import socket
import threading

import pytest

from helpers.listeners import closed_port, hanging, listening
from nearlabel.production.outputs.sending import Cursor
from nearlabel.production.outputs.webhook import Webhook

MESSAGES = [{"type": "label", "sighting_id": number, "label": "gut – ü"} for number in (1, 2, 3)]


def test_each_message_is_posted_as_json():
    with listening() as server:
        assert Webhook(server.url + "?line=3").send(MESSAGES) == 3
    assert [message for _, _, message in server.got] == MESSAGES
    path, headers, _ = server.got[0]
    assert path == "/labels?line=3" and headers["Content-Type"] == "application/json"
    assert "Authorization" not in headers


@pytest.mark.parametrize("answer", [302, 307, 400, 500])
def test_what_is_not_taken_counts_as_not_sent(answer):
    with listening() as server:
        server.answers = [200, answer]
        assert Webhook(server.url).send(MESSAGES) == 1
        server.answers = [answer]
        with pytest.raises(OSError, match=f"answered {answer}"):
            Webhook(server.url).send(MESSAGES)
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


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/", "host/path", "http://", "http://host:port/", ""])
def test_other_urls_are_refused(url):
    with pytest.raises(ValueError, match="--webhook "):
        Webhook(url)


def test_a_new_one_begins_now():
    output = Webhook("http://host/")
    newest = Cursor(5, 6)
    assert output.begin(None, newest) is newest
    assert output.begin(Cursor(2, 3), newest).sighting_id == 2
