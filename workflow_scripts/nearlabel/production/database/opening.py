"""Opening the database: made or brought up to date, in WAL mode, probed by writing; one watcher at a time."""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from nearlabel.production.database import schema

BUSY_S = 30.0
"""Seconds that a connection waits while another one writes."""

# Of the write-ahead log; it would stay as large as it once was.
_WAL_BYTES = 64 * 2**20


def open_database(
    path: str | Path, *, create: bool = False, any_thread: bool = False, vfs: str = ""
) -> sqlite3.Connection:
    """Open a database for writing; make it, or bring it up to date, where it needs that.

    Transactions are explicit (``BEGIN IMMEDIATE``); what is committed is on the disk (WAL, ``synchronous=FULL``).

    Parameters
    ----------
    path : str or Path
        The file.
    create : bool
        Whether a missing one is made.
    any_thread : bool
        Whether other threads use the connection too, one at a time.
    vfs : str
        SQLite's way to the disk, by default its own; ``unix-dotfile`` has no shared memory, as some network shares.

    Returns
    -------
    sqlite3.Connection

    Raises
    ------
    OSError
        When it cannot be opened or written, or its file system cannot hold a database in WAL mode; nothing is left
        behind then.
    ValueError
        When it is none of nearlabel's databases, or of a newer version.
    """
    path = Path(path)
    if not path.exists():
        if not create:
            raise FileNotFoundError(f"{path}: no such database; nearlabel watch makes it.")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist; make it first.")
        _probe(path, vfs)
    connection = _connect(path, "rwc" if create else "rw", vfs, any_thread)
    try:
        _refuse_foreign(connection, path)
        _use_wal(connection, path)
        migrate(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise OSError(f"{path}: cannot be opened as a database: {error}.") from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: str | Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a database that another process may be writing, only to read.

    Parameters
    ----------
    path : str or Path
        The file.
    any_thread : bool
        As for `open_database`.

    Raises
    ------
    OSError, ValueError
        As `open_database`; or it is of an older version, which a watcher brings up to date.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such database; nearlabel watch makes it.")
    connection = _connect(path, "ro", "", any_thread)
    try:
        _refuse_foreign(connection, path)
        version = _version(connection)
    except sqlite3.Error as error:
        connection.close()
        raise OSError(f"{path}: cannot be opened as a database: {error}.") from error
    except BaseException:
        connection.close()
        raise
    if version < schema.VERSION:
        connection.close()
        raise ValueError(
            f"{path}: a database of version {version}, and this is version {schema.VERSION}; "
            "start nearlabel watch, which brings it up to date."
        )
    return connection


def migrate(
    connection: sqlite3.Connection,
    path: str | Path,
    migrations: Mapping[int, Sequence[str]] = schema.MIGRATIONS,
) -> None:
    """Bring a database up to date in one transaction, from nothing or from any older version.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `open_database`.
    path : str or Path
        For messages.
    migrations : mapping of int to sequence of str
        Version → statements that lead to it from the one before.

    Raises
    ------
    ValueError
        When the database is of a newer version.
    """
    newest = max(migrations)
    if _version(connection) == newest:
        return
    with transaction(connection):
        # Another process may have been quicker.
        version = _version(connection)
        if version > newest:
            raise ValueError(
                f"{path}: a database of version {version}, and this nearlabel knows {newest}; use a newer nearlabel."
            )
        for step in range(version + 1, newest + 1):
            for statement in migrations[step]:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {newest}")


def identify_file(path: str | Path) -> tuple[int, int] | None:
    """Say which file lies at a path, by device and inode; None: none."""
    try:
        facts = os.stat(path)
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing: commit at the end of the block, roll back on an error.

    Parameters
    ----------
    connection : sqlite3.Connection
        Of `open_database`.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk has rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def only_watcher(path: str | Path) -> Iterator[None]:
    """Hold the right to write labels into a database, which one process at a time has; a killed one has it no more.

    Parameters
    ----------
    path : str or Path
        The database's file.

    Raises
    ------
    OSError
        When another process has it, or the lock's file cannot be written.
    """
    # By whatever links it is called.
    lock = Path(f"{os.path.realpath(path)}.lock")
    if not lock.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {lock.parent} does not exist; make it first.")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OSError(
            f"{lock}: cannot be written ({error.strerror}); the database's folder must be writable."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise OSError(
                f"{path}: another watcher (process {holder or 'unknown'}) writes labels into it; "
                "end that one first, or give this one a database of its own."
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        # The file stays: removing it would let two processes hold locks on two files of one name.
        yield
    finally:
        os.close(handle)


def _connect(path: Path, mode: str, vfs: str, any_thread: bool) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path.absolute()))}?mode={mode}" + (f"&vfs={vfs}" if vfs else "")
    try:
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=not any_thread
        )
    except sqlite3.Error as error:
        raise OSError(f"{path}: cannot be opened as a database: {error}.") from error
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise ValueError(f"{path}: not a database; choose another file.") from error
        raise
    if tables and not {"images", "sightings", "labels"} <= tables:
        raise ValueError(f"{path}: a database, but none of nearlabel's; choose another file.")
    if (version := _version(connection)) > schema.VERSION:
        raise ValueError(
            f"{path}: a database of version {version}, and this nearlabel knows {schema.VERSION}; "
            "use a newer nearlabel."
        )


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to WAL, and write: the switch alone may seem to work on a share, and the first write fails."""
    try:
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        if mode == "wal":
            with transaction(connection):
                connection.execute(f"PRAGMA user_version = {_version(connection)}")
            return
        why = f"it stays in mode {mode}"
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL):
            raise
        why = str(error)
    raise OSError(
        f"{path}: this file system cannot hold a database in WAL mode ({why}), as most network shares; "
        "choose a file on a disk of this machine."
    )


def _probe(path: Path, vfs: str) -> None:
    """Try, beside a database that is to be made, whether the file system can hold it; nothing is left behind."""
    trial = path.with_name(f".nearlabel-{secrets.token_hex(8)}.probe")
    try:
        connection = _connect(trial, "rwc", vfs, False)
        try:
            _use_wal(connection, path)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise OSError(f"{path}: cannot be written: {error}.") from error
    finally:
        for ending in ("", "-wal", "-shm", "-journal", ".lock"):
            with contextlib.suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(f"{trial}{ending}")
