import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from helpers.review_pages import LineDatabase
from nearlabel.production.commands.main import main
from nearlabel.production.review.connections import Database
from nearlabel.production.review.words import Word, record_words


@pytest.fixture
def line(tmp_path):
    return LineDatabase(tmp_path, 3)


def run(line, *options):
    return main(["review", "--db", str(line.path), *map(str, options)])


def test_export_without_a_server(line, tmp_path, capsys, caplog):
    database = Database(line.path)
    record_words(database, "Ada", [Word(**line.word(0)), Word(**line.word(1, "correct", label="pit"))])
    database.close()
    options = ("--export", "--labels", tmp_path / "labels", "--line", tmp_path / "captured")
    line.files[1].unlink()
    assert run(line, *options) == 1
    assert "1 labels in 1 files; 1 images copied" in capsys.readouterr().out and str(line.files[1]) in caplog.text
    assert len(list((tmp_path / "labels").glob("labels-Ada-*.csv"))) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--tls-cert", "x.pem"], "go together"),
        (["--tls-cert", "x.pem", "--tls-key", "y.pem"], "x.pem: no such file"),
        (["--token-file", "missing"], "missing"),
        (["--host", "256.1.1.1"], "cannot listen at 256.1.1.1"),
        (["--port", "99999"], "choose another --port"),
        (["--operator", "a\nb"], "--operator has a character"),
        (["--bundle", "missing"], "missing"),
    ],
)
def test_what_does_not_fit_is_one_sentence(line, capsys, tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    assert run(line, *options) == 1
    message = capsys.readouterr().err.strip()
    assert sentence in message and message.count("\n") == 0 and "Traceback" not in message


def test_a_database_that_is_none(tmp_path, capsys):
    assert main(["review", "--db", str(tmp_path / "none.sqlite")]) == 1
    assert "no such database" in capsys.readouterr().err and not (tmp_path / "none.sqlite").exists()
    (tmp_path / "text.sqlite").write_text("a text that is long enough to be read as something" * 20)
    assert main(["review", "--db", str(tmp_path / "text.sqlite")]) == 1
    assert "not a database" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_command_serves_and_ends(line, host):
    code = "import sys; from nearlabel.production.commands.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "review", "--db", line.path, "--port", "0", "--host", host]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline()
        port, token = re.search(r":(\d+)/(?:#(\S+))?$", said.strip()).groups()
        # A token is drawn where others can reach the page, and only there.
        assert bool(token) == (host == "0.0.0.0")
        if token:
            assert "token" in process.stdout.readline() and "not encrypted" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
            assert (b"asks for a token" in answer.read()) == bool(token)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
