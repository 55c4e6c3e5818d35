"""What the jobs of folds start from: a fold's images, the classifier, the stored rows."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nearlabel.files import how_to_remake, read_table
from nearlabel.learning.data.arrays import ImageArrays, open_arrays
from nearlabel.learning.data.folds import read_folds
from nearlabel.learning.network.model import Classifier, build_classifier
from nearlabel.learning.network.rows import StoredRows
from nearlabel.learning.simulation.protocol import Experiment, plan_experiment

logger = logging.getLogger(__name__)


class Fold(NamedTuple):
    """One fold of a data set, ready to be learnt: its images, the classifier, the stored rows."""

    experiment: Experiment
    classifier: Classifier
    arrays: ImageArrays
    rows: StoredRows


def open_folds(
    values,
    folds,
    near_labels,
    *,
    positive: str,
    numbers: Sequence[int],
    seeds: Sequence[int],
    network: Mapping[str, Any],
    fine_tune: str,
    **build: Any,
) -> Iterator[Fold]:
    """Read what the learning of some folds starts from.

    Parameters
    ----------
    values, folds, near_labels : str or Path
        Decoded images or outputs of frozen stages; ``folds.csv``; ``near_labels.csv``.
    positive : str
        The near-label that counts as defective.
    numbers : sequence of int
        The folds, each by the part that tests.
    seeds : sequence of int
        Of the classifier's last layer, one for each of all folds.
    network, fine_tune, **build
        Of `nearlabel.learning.network.model.build_classifier`.

    Yields
    ------
    Fold
        All have the same classifier, set back and with a last layer of its own for each: be done with one before the
        next is asked for.
    """
    arrays = open_arrays(values)
    tables = read_folds(folds), read_table(near_labels, ("image_id", "near_label"))
    classifier = None
    for number in numbers:
        logger.info("fold %d", number)
        experiment = plan_experiment(arrays, *tables, positive=positive, test_fold=number)
        if classifier is None:
            classifier = build_classifier(network, fine_tune=fine_tune, seed=seeds[number], **build)
            made_by = arrays.attributes.get("weights_sha256", classifier.weights_sha256)
            if made_by != classifier.weights_sha256:
                raise ValueError(f"{values} was made with other weights of {classifier.name}; {how_to_remake(values)}")
            # Once for all folds: on a card they are copied there.
            rows = StoredRows(arrays.values, classifier.device)
        else:
            classifier.draw_head(seeds[number])
        yield Fold(experiment, classifier, arrays, rows)
