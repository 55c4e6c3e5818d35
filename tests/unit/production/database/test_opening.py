import os
import re
import sqlite3
import subprocess
import sys

import pytest

from helpers.places import REPOSITORY
from nearlabel.production.database import opening, recording, schema
from nearlabel.production.database.opening import migrate, only_watcher, open_database, open_to_read, transaction


@pytest.fixture
def path(tmp_path):
    return tmp_path / "labels.sqlite"


def test_made_in_wal_mode_and_written_through(path):
    database = open_database(path, create=True)
    assert database.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert database.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert database.execute("PRAGMA user_version").fetchone()[0] == schema.VERSION == max(schema.MIGRATIONS)
    assert database.execute("PRAGMA foreign_keys").fetchone()[0] == 1
    database.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    again = open_database(path)
    assert again.execute("SELECT count(*) FROM labels").fetchone()[0] == 0


def test_a_missing_database_is_made_only_when_asked(path):
    for opened in (open_database, open_to_read):
        with pytest.raises(FileNotFoundError, match="no such database; nearlabel watch makes it"):
            opened(path)
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; make it first"):
        open_database(path.parent / "nowhere/labels.sqlite", create=True)
    assert list(path.parent.iterdir()) == []


def test_a_file_system_without_shared_memory_is_refused_and_nothing_is_left(path):
    with pytest.raises(OSError, match=r"cannot hold a database in WAL mode .*choose a file on a disk of this machine"):
        open_database(path, create=True, vfs="unix-dotfile")
    assert list(path.parent.iterdir()) == []


def test_a_mode_that_only_seems_to_work_is_found_by_writing(path, monkeypatch):
    def fail(connection):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(opening, "transaction", fail)
    monkeypatch.setattr(sqlite3.OperationalError, "sqlite_errorcode", sqlite3.SQLITE_IOERR, raising=False)
    with pytest.raises(OSError, match=r"WAL mode \(disk I/O error\)"):
        open_database(path, create=True)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"image_id,label\n" * 100, "not a database"),
        (b"", None),
        (b"SQLite format 3\0" + b"\0" * 200, "not a database"),
    ],
)
def test_other_files_are_refused_and_kept(path, content, sentence):
    path.write_bytes(content)
    if sentence is None:  # SQLite's own new file.
        assert open_database(path).execute("SELECT count(*) FROM images").fetchone()[0] == 0
        return
    for opened in (open_database, open_to_read):
        with pytest.raises(ValueError, match=sentence):
            opened(path)
    assert path.read_bytes() == content


def test_other_databases_are_refused(path):
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE stock (part TEXT)")
    foreign.close()
    with pytest.raises(ValueError, match="none of nearlabel's"):
        open_database(path)


def test_a_newer_version_is_refused(path):
    open_database(path, create=True).execute("PRAGMA user_version = 99")
    for opened in (open_database, open_to_read):
        with pytest.raises(ValueError, match="of version 99, and this nearlabel knows 1; use a newer nearlabel"):
            opened(path)


def test_an_older_version_becomes_todays_and_keeps_its_rows(path):
    database = open_database(path, create=True)
    database.execute("INSERT INTO state VALUES ('drift', x'01')")
    longer = schema.MIGRATIONS | {2: ("ALTER TABLE state ADD COLUMN note TEXT NOT NULL DEFAULT 'none'",)}
    migrate(database, path, longer)
    assert tuple(database.execute("SELECT name, value, note FROM state").fetchone()) == ("drift", b"\x01", "none")
    assert database.execute("PRAGMA user_version").fetchone()[0] == 2
    migrate(database, path, longer)


def test_a_migration_that_fails_changes_nothing(path):
    database = open_database(path, create=True)
    broken = schema.MIGRATIONS | {2: ("CREATE TABLE extra (a TEXT) STRICT", "CREATE TABLE images (a TEXT)")}
    with pytest.raises(sqlite3.OperationalError):
        migrate(database, path, broken)
    assert database.execute("PRAGMA user_version").fetchone()[0] == 1
    assert not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall()


def test_a_reader_says_that_a_version_is_too_old(path, monkeypatch):
    open_database(path, create=True).close()
    monkeypatch.setattr(schema, "VERSION", 2)
    with pytest.raises(ValueError, match="of version 1, and this is version 2; start nearlabel watch"):
        open_to_read(path)


def test_a_reader_cannot_write(path):
    open_database(path, create=True).close()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        open_to_read(path).execute("INSERT INTO state VALUES ('drift', x'01')")


def test_a_transaction_is_all_or_nothing(path):
    database = open_database(path, create=True)
    with pytest.raises(KeyError), transaction(database):
        database.execute("INSERT INTO state VALUES ('drift', x'01')")
        raise KeyError
    assert database.execute("SELECT count(*) FROM state").fetchone()[0] == 0


def test_one_watcher_at_a_time_and_a_killed_one_is_none(path):
    code = (
        "import sys, time\nfrom nearlabel.production.database.opening import only_watcher\n"
        "with only_watcher(sys.argv[1]):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
    other = subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, env=environment)
    (path.parent / "link.sqlite").symlink_to(path.name)
    try:
        assert other.stdout.readline() == b"held\n"
        for name in (path, path.parent / "link.sqlite"):
            with pytest.raises(OSError, match=rf"another watcher \(process {other.pid}\)"), only_watcher(name):
                pass
    finally:
        other.kill()
        other.wait()
        other.stdout.close()
    with only_watcher(path):
        pass


def test_the_schema_is_documented_column_by_column(path):
    database = open_database(path, create=True)
    text = (REPOSITORY / "workflow_scripts/nearlabel/production/database/schema.md").read_text(encoding="utf-8")
    assert f"`PRAGMA user_version` {schema.VERSION})" in text
    documented = {}
    for section in text.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        rows = [line.split("|")[1] for line in body.splitlines() if line.startswith("|")][2:]
        documented[name] = [column.strip() for row in rows for column in row.split(",")]
    real = {name: kind for name, kind in database.execute("SELECT name, type FROM sqlite_master") if kind != "index"}
    assert documented.keys() == real.keys()
    for name in (name for name, kind in real.items() if kind == "table"):
        columns = [row["name"] for row in database.execute(f"PRAGMA table_info({name})")]
        assert documented[name] == columns, name


def test_every_kind_of_event_is_documented_and_has_words_on_the_page():
    production = REPOSITORY / "workflow_scripts/nearlabel/production"
    text = (production / "database/schema.md").read_text(encoding="utf-8")
    [row] = [line for line in text.splitlines() if line.startswith("| kind |")]
    documented = set(re.findall(r"`(\w+)`", row))
    described = recording.Event.__doc__.split("kind : str")[1].split("sentence")[0]
    assert documented == set(re.findall(r"``(\w+)``", described))
    page = (production / "review/templates/review_events.js").read_text(encoding="utf-8")
    assert documented == set(re.findall(r"(\w+): \"", page.split("EVENT_WORDS = {")[1].split("}")[0]))
    code = "".join(file.read_text(encoding="utf-8") for file in production.rglob("*.py"))
    assert {"drift", "output", "quarantine"} <= set(re.findall(r'Event\(\s*"(\w+)"', code)) <= documented
