"""What an operator says of an image: words that stand, put together in the order in which they were given."""

from collections.abc import Mapping
from typing import Any, NamedTuple

CONFIRM, CORRECT, UNDO = "confirm", "correct", "undo"
"""Actions of words."""

IDENTITY = "review.database"
"""Name of the state that tells databases apart: drawn when a review page first opens one."""

Row = Mapping[str, Any]
"""A row of ``corrections``: at least action, label and node."""


class Said(NamedTuple):
    """What the words of one operator on one image come to.

    A confirmation says the label and the group that were shown, or that there is none: the image is novel. A
    correction says what it names. Who corrects the label that was confirmed takes the group back that went with it;
    who corrects the group leaves the label.

    Attributes
    ----------
    of_label, of_node : mapping or None
        The words that have said them; None: none has.
    """

    of_label: Row | None = None
    of_node: Row | None = None

    @property
    def label(self) -> str:
        """What it is; may be empty."""
        return self.of_label["label"] if self.of_label is not None else ""

    @property
    def node(self) -> str:
        """The group that it is in; may be empty."""
        return self.of_node["node"] if self.of_node is not None else ""

    def then(self, word: Row) -> "Said":
        """What is said with a further word."""
        if word["action"] == CONFIRM:
            return Said(word, word)
        of_label, of_node = self
        if word["label"]:
            of_label = word
            if of_node is not None and of_node["action"] == CONFIRM:
                of_node = None
        return Said(of_label, word if word["node"] else of_node)
