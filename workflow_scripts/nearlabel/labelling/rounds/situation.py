"""Where labelling stands: images, their labels, the rounds on record."""

from typing import NamedTuple

import pandas as pd

from nearlabel.labelling.answers.consensus import DISPUTED
from nearlabel.labelling.catalogue import SKIP, UNSURE
from nearlabel.labelling.rounds.record import Round, fingerprint_ids, read_rounds


class Situation(NamedTuple):
    """Where labelling stands.

    Attributes
    ----------
    images : list of str
        All images, in the order of ``images.csv``.
    defective : dict of str to int
        Image with a label → 1 defective, 0 good.
    set_aside : set of str
        Images without one that somebody has looked at: unsure, skipped, disputed. No strategy asks for them again.
    rounds : list of Round
        On record so far.
    """

    images: list[str]
    defective: dict[str, int]
    set_aside: set[str]
    rounds: list[Round]

    @property
    def population(self) -> str:
        """Fingerprint of the images."""
        return fingerprint_ids(sorted(self.images))

    @property
    def left(self) -> list[str]:
        """Images without a label."""
        return [image for image in self.images if image not in self.defective]


def read_situation(images: pd.DataFrame, labels: pd.DataFrame, rounds) -> Situation:
    """Read where labelling stands.

    Parameters
    ----------
    images, labels : DataFrame
        ``images.csv``, ``labels.csv``, as text.
    rounds : str or Path
        Folder of the rounds on record.

    Raises
    ------
    ValueError
        As `nearlabel.labelling.rounds.record.read_rounds`.
    """
    decided = labels[labels["defective"] != ""]
    defective = {image: int(value) for image, value in zip(decided["image_id"], decided["defective"], strict=True)}
    aside = set(labels.loc[labels["state"].isin([UNSURE, SKIP, DISPUTED]), "image_id"])
    return Situation(list(images["image_id"]), defective, aside, read_rounds(rounds))
