"""The most novel images: what no other image of the data set has."""

import numpy as np

from nearlabel.learning.strategies.base import Ranking, Ranks
from nearlabel.learning.strategies.views import NOVELTY, View


class Novelty(Ranking):
    """Images whose patches are most unlike those of other images (after Sohn et al., WACV 2023).

    Score: the image's novelty, as pooling by novelty gives it (`nearlabel.features.pooling.novelty`). It needs neither
    labels nor a model that has learnt, so that the first rounds are as good as later ones.
    """

    name = "novelty"
    needs = frozenset({NOVELTY})

    def _rank(self, view: View) -> Ranks:
        keys = np.asarray(view.novelty, dtype=np.float64)
        return Ranks(keys, keys)
