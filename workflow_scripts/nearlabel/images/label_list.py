"""The user's list of near-labels.

Standard library only, for it is checked whenever the workflow is parsed.
"""

import logging
from os import PathLike

from nearlabel.tables import read_user_table

logger = logging.getLogger(__name__)


def read_near_labels(path: str | PathLike) -> dict[str, str]:
    """Read a list of near-labels.

    Parameters
    ----------
    path : str or path-like
        CSV with the columns ``image_id`` and ``near_label``.

    Returns
    -------
    dict of str to str
        Id of an image, as the list has it → near-label.

    Raises
    ------
    FileNotFoundError, ValueError
        It cannot be read, has no rows, or has two labels for one image.
    """
    cells, lines, remark = read_user_table(path, ["image_id", "near_label"])
    if not lines:
        raise ValueError(f"{path} has a header and no rows.")
    if remark:
        logger.warning("%s: %s", path, remark)
    labels: dict[str, str] = {}
    for line, image_id, label in zip(lines, cells["image_id"], cells["near_label"], strict=True):
        if labels.setdefault(image_id, label) != label:
            raise ValueError(f"{path}, line {line}: the image {image_id!r} has more than one near-label.")
    return labels
