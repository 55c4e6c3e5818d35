"""Probabilities of "defective" of every pool image after each round: beside a run's state, and the file they become."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearlabel.files import how_to_remake, written_whole
from nearlabel.hdf5 import TEXT, hdf5_file, opened_hdf5

logger = logging.getLogger(__name__)


class Probabilities(NamedTuple):
    """What ``probabilities.h5`` holds.

    Attributes
    ----------
    values : ndarray of float32, shape (rounds, pool)
        Probability of "defective" by the model of each round.
    n_labelled : ndarray of int64, shape (rounds,)
        Images that the model had learnt from, or had been able to.
    image_id : ndarray of object (str), shape (pool,)
    """

    values: np.ndarray
    n_labelled: np.ndarray
    image_id: np.ndarray


class KeptProbabilities:
    """Probabilities of the rounds of a run that may be killed: a file each, so that no round writes earlier ones again.

    Parameters
    ----------
    state : str or Path
        The file of the run's state; these lie beside it and go when it is removed.
    """

    def __init__(self, state):
        self._state = Path(state)

    def save(self, number: int, values: np.ndarray) -> None:
        """Write those of a round, (pool,) float32; to be done before the state says that the round has ended."""
        with written_whole(self._path(number)) as partial:
            partial.write_bytes(np.ascontiguousarray(values, np.float32).tobytes())

    def read(self, number: int) -> np.ndarray:
        """Those of a round.

        Raises
        ------
        OSError
            The file is missing.
        """
        return np.fromfile(self._path(number), np.float32)

    def complete(self, rounds: int, pool: int) -> bool:
        """Whether those of the first rounds are there and whole; if not, the log says which are not."""
        for number in range(rounds):
            path = self._path(number)
            size = path.stat().st_size if path.exists() else None
            if size != pool * np.float32().itemsize:
                told = "missing" if size is None else f"damaged ({size} bytes for {pool} images)"
                logger.warning("%s is %s: the run begins anew", path, told)
                return False
        return True

    def write(self, path, n_labelled: Sequence[int], image_id: Sequence[str]) -> None:
        """Write those of all rounds as ``probabilities.h5``.

        Parameters
        ----------
        path : str or Path
            The file; it appears when it is complete.
        n_labelled : sequence of int, shape (rounds,)
            Images labelled by the end of each round.
        image_id : sequence of str, shape (pool,)
        """
        with written_whole(path) as partial, hdf5_file(partial, "w") as file:
            values = file.create_dataset("probabilities", (len(n_labelled), len(image_id)), dtype=np.float32)
            for number in range(len(n_labelled)):
                values[number] = self.read(number)
            file.create_dataset("n_labelled", data=np.asarray(n_labelled, dtype=np.int64))
            file.create_dataset("image_id", data=list(map(str, image_id)), dtype=TEXT)

    def _path(self, number: int) -> Path:
        return self._state.with_name(f"{self._state.stem}_{number}.f32")


def read_probabilities(path) -> Probabilities:
    """Read ``probabilities.h5``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, or its parts do not fit each other.
    """
    with opened_hdf5(path) as file:
        found = Probabilities(file["probabilities"][:], file["n_labelled"][:], file["image_id"].asstr()[:])
    if found.values.shape != (len(found.n_labelled), len(found.image_id)):
        raise ValueError(
            f"{path} holds probabilities of shape {found.values.shape} for {len(found.n_labelled)} rounds and "
            f"{len(found.image_id)} images; {how_to_remake(path)}"
        )
    return found
