"""What labelling images comes to, where some of them may fail."""

import logging
import math
from collections.abc import Callable, Sequence

from nearlabel.production.labelled import Labelled, Prepared

logger = logging.getLogger(__name__)


def label_each(
    label: Callable[[Sequence[Prepared]], list[Labelled]], images: Sequence[Prepared]
) -> list[Labelled | Exception]:
    """Label images together; where that fails, one by one, so that one image spoils no others.

    Parameters
    ----------
    label : callable
        `nearlabel.production.labeller.labeller.Labeller.label`.
    images : sequence of Prepared, length n

    Returns
    -------
    list of Labelled or Exception, length n
        Features that are no finite numbers are an error, too.
    """
    try:
        said = label(images)
        if not all(math.isfinite(one.novelty) for one in said):
            raise ValueError("its features are no finite numbers")
    except Exception as error:  # Whatever a model raises is said of the image, and only of it.
        if len(images) == 1:
            return [error]
        logger.warning("a batch cannot be labelled (%s); labelling one by one", error)
        return [label_each(label, [image])[0] for image in images]
    return said
