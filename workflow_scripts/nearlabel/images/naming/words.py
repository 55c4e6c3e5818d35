"""What names of folders and files give away: splits, masks, names that other systems cannot tell apart."""

import posixpath
import re

SPLITS = {
    *("train", "training", "test", "testing", "val", "valid", "validation"),
    *("test_public", "test_private", "test_private_mixed"),
}
"""Folders that say where images were used, in small letters."""

MASK_FOLDERS = {
    *("ground_truth", "groundtruth", "ground truth", "gt", "mask", "masks", "annotation", "annotations"),
    *("segmentation", "segmentations", "label_masks"),
}
"""Folders with masks of images, in small letters."""

CONTAINERS = {"images", "image", "imgs", "img", "data", "dataset", "labels", "label", "pictures", "photos"}
"""Folders that hold images and say nothing of them, in small letters."""

_MASK = re.compile(r"(.+?)[ _.-]*(?:masks?|gt|ground[ _-]?truth|labels?|seg|segmentation|annotations?)", re.IGNORECASE)


def unmasked(stem: str) -> str:
    """Stem of the image whose mask a file is by its name, as ``000_mask`` or ``Part3_label``; '' where it is none."""
    folder, name = posixpath.split(stem)
    match = _MASK.fullmatch(name)
    # Parted from the rest, so that "flagged" or "cobalt" are names of their own.
    if not match or len(match[1]) == len(name) or name[len(match[1])] not in " _.-":
        return ""
    return posixpath.join(folder, match[1])
