"""What the jobs of one fold start from: its images, the classifier, the stored rows."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from nearlabel.files import how_to_remake, read_table
from nearlabel.learning.data.arrays import ImageArrays, open_arrays
from nearlabel.learning.data.folds import read_folds
from nearlabel.learning.network.model import Classifier, build_classifier
from nearlabel.learning.simulation.protocol import Experiment, plan_experiment


class Fold(NamedTuple):
    """One fold of a data set, ready to be learnt: its images, the classifier, the stored rows."""

    experiment: Experiment
    classifier: Classifier
    arrays: ImageArrays


def open_fold(
    values, folds, near_labels, *, positive: str, fold: int, network: Mapping[str, Any], fine_tune: str, **build: Any
) -> Fold:
    """Read what a fold's jobs start from.

    Parameters
    ----------
    values, folds, near_labels : str or Path
        Decoded images or outputs of frozen stages; ``folds.csv``; ``near_labels.csv``.
    positive : str
        The near-label that counts as defective.
    fold : int
        The fold that tests.
    network, fine_tune, **build
        Of `nearlabel.learning.network.model.build_classifier`.

    Returns
    -------
    Fold
    """
    arrays = open_arrays(values)
    experiment = plan_experiment(
        arrays,
        read_folds(folds),
        read_table(near_labels, ("image_id", "near_label")),
        positive=positive,
        test_fold=fold,
    )
    classifier = build_classifier(network, fine_tune=fine_tune, **build)
    made_by = arrays.attributes.get("weights_sha256", classifier.weights_sha256)
    if made_by != classifier.weights_sha256:
        raise ValueError(f"{values} was made with other weights of {classifier.name}; {how_to_remake(values)}")
    return Fold(experiment, classifier, arrays)
