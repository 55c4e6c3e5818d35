"""HDF5 files that this workflow wrote: opened without locks, and damage is reported by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from nearlabel.files import how_to_remake

TEXT = h5py.string_dtype("utf-8")


def hdf5_file(path: str | Path, mode: str) -> h5py.File:
    """Open an HDF5 file as `h5py.File` does, but never lock it.

    File systems of clusters often have no locks, and none is needed: a file is written under another name, and does
    not change under its own.
    """
    return h5py.File(path, mode, locking=False)


@contextmanager
def opened_hdf5(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading; whatever is wrong with it becomes one sentence.

    Parameters
    ----------
    path : str or Path
        A file that this workflow wrote.

    Yields
    ------
    h5py.File

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged or lacks something that the block reads from it.
    """
    if not Path(path).exists():
        raise FileNotFoundError(f"{path} does not exist; run the step that makes it")
    try:
        with hdf5_file(path, "r") as file:
            yield file
    except PermissionError as error:
        raise PermissionError(f"{path} may not be read by this user; change its permissions") from error
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or not such a file ({error}); {how_to_remake(path)}") from error
