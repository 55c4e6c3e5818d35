"""HDF5 files that this workflow wrote: damage is reported by name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

TEXT = h5py.string_dtype("utf-8")


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
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError) as error:
        raise ValueError(f"{path} is damaged or not such a file ({error}); delete it and run again") from error
