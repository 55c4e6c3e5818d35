"""Other sides of outputs: a web server that answers as it is told, and a broker."""

import getpass
import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Listener(HTTPServer):
    """Keeps what is posted to it; answers 200, or the next of `answers`."""

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.got: list[tuple[str, dict, dict]] = []
        self.answers: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/labels"

    def numbers(self, kind: str = "label") -> list[int]:
        """Numbers of sightings, or events, that were posted."""
        return [message[f"{'sighting' if kind == 'label' else kind}_id"] for _, _, message in self.got
                if message["type"] == kind]  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, dict(self.headers), message))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def listening(port: int = 0):
    """A listener that answers in a thread."""
    with Listener(port) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def hanging():
    """The port of a server that accepts and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield server.getsockname()[1]


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def broker(folder: Path, port: int, password: str = ""):
    """Mosquitto on loopback; with a password, for user ``line`` alone."""
    # Started by root, it would become a user who cannot read the folder.
    settings = f"listener {port} 127.0.0.1\npersistence false\nuser {getpass.getuser()}\n"
    if password:
        tool = shutil.which("mosquitto_passwd", path=f"{Path(MOSQUITTO).parent}:/usr/bin:/usr/local/bin")
        subprocess.run([tool, "-b", "-c", folder / "users", "line", password], check=True, capture_output=True)
        (folder / "users").chmod(0o644)
        settings += f"allow_anonymous false\npassword_file {folder / 'users'}\n"
    else:
        settings += "allow_anonymous true\n"
    (folder / "mosquitto.conf").write_text(settings)
    process = subprocess.Popen([MOSQUITTO, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()
