"""The final network on disk: weights and all that is needed to use them on new images; no pickled code is ever run."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nearlabel.files import how_to_remake, written_whole
from nearlabel.learning.network.model import Classifier, build_classifier

FORMAT = 1


class FinalModel(NamedTuple):
    """A network that tells good from defective.

    Attributes
    ----------
    classifier : Classifier
        Trained.
    threshold : float
        An image is defective when its probability is at least that.
    facts : dict
        network, fine_tune, weights_sha256, labels, good, scale (how samples of more than 8 bits become 8 bits, as
        `nearlabel.images.scales.learnt_scale` gives it), defects, images, aim, value.
    """

    classifier: Classifier
    threshold: float
    facts: dict[str, Any]


def save_model(path, classifier: Classifier, facts: Mapping[str, Any]) -> None:
    """Write a network: what was trained of it, and facts as JSON.

    Parameters
    ----------
    path : str or Path
        ``model.pt``.
    classifier : Classifier
    facts : mapping
        ``network, fine_tune, weights_seed, threshold`` and whatever else a user of the network must know; JSON-able.
    """
    state = {name: values.cpu().contiguous() for name, values in classifier.trained.state_dict().items()}
    known = {"format": FORMAT, "weights_sha256": classifier.weights_sha256, **facts}
    # Through memory: torch names the archive within after the file, whose temporary name is another each time.
    buffer = io.BytesIO()
    torch.save({"facts": json.dumps(known, sort_keys=True), "state": state}, buffer)
    with written_whole(path) as partial:
        partial.write_bytes(buffer.getvalue())


def load_model(path, weights: str | Path | None = None, **build: Any) -> FinalModel:
    """Read a network written by `save_model`.

    Parameters
    ----------
    path : str or Path
        ``model.pt``.
    weights : str or Path, optional
        The file that it began with, a user's own, where that lies elsewhere now.
    **build
        ``device, weights_dir, weights_mirror`` of `nearlabel.learning.network.model.build_classifier`: the stages that
        were never trained are not in the file, but have the published weights.

    Returns
    -------
    FinalModel

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; it is damaged, or of another version; the network's own weights are others than those that it was
        trained on.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such model; {how_to_remake(path)}")
    try:
        # weights_only: tensors, numbers and texts alone are read, no pickled code is run.
        found = torch.load(path, map_location="cpu", weights_only=True)
        facts, state = json.loads(found["facts"]), found["state"]
    except Exception as error:
        raise ValueError(
            f"{path} is not a whole model ({' '.join(str(error).split())[:200]}); {how_to_remake(path)}"
        ) from None
    if facts["format"] != FORMAT:
        raise ValueError(f"{path} has format {facts['format']}, this version reads {FORMAT}; {how_to_remake(path)}")
    network = facts["network"] if weights is None else facts["network"] | {"weights": str(weights)}
    classifier = build_classifier(
        network, fine_tune=facts["fine_tune"], seed=0, weights_seed=facts["weights_seed"], **build
    )
    if classifier.weights_sha256 != facts["weights_sha256"]:
        raise ValueError(
            f"{path} was trained on weights of {classifier.name} whose SHA-256 begins with "
            f"{facts['weights_sha256'][:12]}, but those found here with {classifier.weights_sha256[:12]}; "
            "name the same weights"
        )
    classifier.trained.load_state_dict(state)
    return FinalModel(classifier, facts["threshold"], facts)
