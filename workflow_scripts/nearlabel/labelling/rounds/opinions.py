"""What the network said when a round was planned, on record beside the round."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from nearlabel.files import written_whole
from nearlabel.hdf5 import hdf5_file
from nearlabel.labelling.rounds.record import Round


class Opinions(NamedTuple):
    """What a network that learnt from the labels of then said of all images.

    Attributes
    ----------
    probability : ndarray of float32, shape (n,)
        Of a defect.
    judged_without : ndarray of float32, shape (n,)
        The same by a network that has not learnt from the image; NaN where it had no label.
    """

    probability: np.ndarray
    judged_without: np.ndarray


def _path(folder, number: int) -> Path:
    return Path(folder) / f"{number:04d}.h5"


def record_opinions(folder, planned: Round, opinions: Opinions) -> None:
    """Put on record what the network said when a round was planned; images sorted by their ids."""
    with written_whole(_path(folder, planned.number)) as partial, hdf5_file(partial, "w") as file:
        file.attrs["key"] = planned.key
        for name, values in opinions._asdict().items():
            file.create_dataset(name, data=np.asarray(values, np.float32), compression="gzip")


def read_opinions(folder, planned: Round) -> Opinions | None:
    """Read what the network said when a round was planned; None where nothing was learnt, or it is lost."""
    path = _path(folder, planned.number)
    if not path.is_file():
        return None
    try:
        with hdf5_file(path, "r") as file:
            if file.attrs["key"] != planned.key:
                return None
            return Opinions(file["probability"][:], file["judged_without"][:])
    except (OSError, KeyError):
        # It proves nothing: rules that ask for it then go on.
        return None
