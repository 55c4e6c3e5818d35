"""One at a time, of several processes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Wait until no other process, or thread, holds the lock of this file; the file stays.

    Without effect on a file system that has no locks.

    Parameters
    ----------
    path : str or Path
        Its folder is there.
    """
    with open(path, "w") as lock:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
