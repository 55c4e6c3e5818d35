"""Images that are nearly the same: by perceptual hash and a second look, by content, by part."""

from nearlabel.images.duplicates.groups import find_duplicates, group_images
from nearlabel.images.duplicates.hashes import Hashes, hash_images, read_hashes, write_hashes

__all__ = ["Hashes", "find_duplicates", "group_images", "hash_images", "read_hashes", "write_hashes"]
