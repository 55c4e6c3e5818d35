"""What the plan says of each level of the tree and of each classification."""

from dataclasses import dataclass

from nearlabel.config.grouping import Algorithm, PostModel, Reduction


@dataclass(frozen=True)
class PlannedLevel:
    """What is clustered, how, at one depth of the tree; every key filled in.

    Attributes
    ----------
    encoders : list of str
        Ids, or ``["winner"]``.
    reduction : Reduction
    algorithms : dict of str to Algorithm
        By id.
    ks : tuple of int and int
        First and last number of clusters.
    criterion : str
        Name of the criterion.
    """

    encoders: list[str]
    reduction: Reduction
    algorithms: dict[str, Algorithm]
    ks: tuple[int, int]
    criterion: str


@dataclass(frozen=True)
class PlannedClassification:
    """Models that learn one target at one node, and how they are judged.

    Attributes
    ----------
    models : dict of str to PostModel
        By id.
    folds : int
        Of the cross-validation.
    duplicate_distance : int or None
        As for `nearlabel.images.duplicates.groups.group_images`.
    choose : str or None
        Id of the model to save; None for the best classifier.
    normal : str or None
        Label that detectors take as normal; None for the most frequent.
    """

    models: dict[str, PostModel]
    folds: int
    duplicate_distance: int | None
    choose: str | None
    normal: str | None


def bits_apart(duplicate_distance: int | str) -> int | None:
    """The ``duplicate_distance`` of a configuration as `nearlabel.images.duplicates.groups.group_images` takes it."""
    return None if duplicate_distance == "none" else duplicate_distance
