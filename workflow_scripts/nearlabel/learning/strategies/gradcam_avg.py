"""GradCAM_avg: images whose activation map is least like the average map of the labelled ones."""

from typing import Any

import numpy as np

from nearlabel.learning.catalogue import STRATEGY_PARAMETERS
from nearlabel.learning.strategies.base import Ranking, Ranks
from nearlabel.learning.strategies.views import MAPS, View
from nearlabel.parameters import complete_parameters


class GradCamAverage(Ranking):
    """Images whose Grad-CAM map is least like the average map of the labelled images: score 1 − SSIM.

    Algorithm 1 of the paper (GradCAM_avg). Maps lie in [0, 1], hence a data range of 1. A map that is one value
    throughout (to 1e-6) says nothing, and its SSIM to the average is about 0, so that such images tend to come first:
    the info counts them as ``degenerate_pool``, ``degenerate_labelled`` and ``degenerate_selected``.

    Parameters
    ----------
    window : int
        Side of the SSIM's window in pixels of the map: odd, from 3 up to the map's shorter side.
    """

    name = "gradcam_avg"
    needs = frozenset({MAPS})

    def __init__(self, window: int = 7):
        complete_parameters(self.name, {"window": window}, STRATEGY_PARAMETERS[self.name])
        self.window = window

    def _rank(self, view: View) -> Ranks:
        from nearlabel.learning.strategies.ssim import ssim_to_reference

        maps = view.pool.maps
        reference = view.labelled.maps.mean(axis=0, dtype=np.float64)
        similarity = np.asarray(ssim_to_reference(maps, reference, win_size=self.window, data_range=1.0), np.float64)
        flat = _degenerate(maps)

        def info(chosen: np.ndarray) -> dict[str, Any]:
            return {
                "degenerate_pool": int(flat.sum()),
                "degenerate_labelled": int(_degenerate(view.labelled.maps).sum()),
                "degenerate_selected": int(flat[chosen].sum()),
            }

        return Ranks(-similarity, 1 - similarity, info)


def _degenerate(maps: np.ndarray) -> np.ndarray:
    largest = maps.max(axis=(1, 2))
    return largest - maps.min(axis=(1, 2)) <= 1e-6 * largest
