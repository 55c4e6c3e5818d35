"""What the configuration is checked against: strategies to start with, keys of the page, values that are no label.

Standard library only.
"""

import string

START_STRATEGIES = ("typiclust", "core_set", "novelty")
"""Strategies that need no label."""

UNSURE, SKIP = "unsure", "skip"
UNDECIDED = (UNSURE, SKIP)
"""Answers that leave an image without a label."""

RESERVED_KEYS = {
    "u": "undo",
    "s": "skip",
    "?": "unsure",
    "o": "overlay",
    "g": "grid",
    "d": "download",
    "h": "help",
    "0": "the whole image",
    "+": "zoom",
    "-": "zoom",
}
"""Keys of the page itself, and what they do."""

DIGITS = "123456789" + "".join(letter for letter in string.ascii_lowercase if letter not in RESERVED_KEYS)
"""Keys for labels that have none of their own."""
