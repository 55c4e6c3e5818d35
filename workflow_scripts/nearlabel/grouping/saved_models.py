"""Fitted models in a file, by skops: reading one runs no code of the file's, as a pickle would."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

from nearlabel.images.files import written_whole

# Beside what skops trusts by itself: our own detector, and the arrays inside scikit-learn's trees, checked when read.
TRUSTED = ("nearlabel.grouping.detectors.NearestCentreDetector", "sklearn.tree._tree.Tree")

KEYS = (
    "pipeline",
    "model",
    "kind",
    "classes",
    "normal",
    "dataset",
    "node",
    "target",
    "encoder",
    "scores",
    "library_versions",
)


def save_model(path: str | Path, model: dict[str, Any]) -> None:
    """Save a fitted model with what new images need; the same model gives the same bytes.

    Parameters
    ----------
    path : str or Path
        The file, ``*.skops``.
    model : dict
        The keys of `KEYS`. ``pipeline``: fitted, from an encoder's features to predictions. ``model``: id, name and
        parameters. ``kind``: classifier or detector. ``classes``: list of str. ``normal``: the class that detectors
        learn. ``dataset, node, target``: what it was learnt from. ``encoder``: ``id``, ``options`` (as for
        `nearlabel.features.extract.extract_features`), ``seed``, ``weights_sha256``, ``library_versions``. ``scores``:
        means over the folds. ``library_versions``: dict of str.

    Raises
    ------
    ValueError
        A key is missing or unknown.
    """
    from skops.io import dumps

    if set(model) != set(KEYS):
        raise ValueError(f"{path}: a saved model has the keys {', '.join(KEYS)}, not {', '.join(model)}")
    content = _with_repeatable_bytes(dumps({key: model[key] for key in KEYS}))
    with written_whole(path) as partial:
        partial.write_bytes(content)


def load_model(path: str | Path) -> dict[str, Any]:
    """Load a model that `save_model` saved.

    Parameters
    ----------
    path : str or Path
        The file. It may come from anybody: whatever holds a type that is not known to be harmless is refused before
        anything is made of it.

    Returns
    -------
    dict
        See `save_model`.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a saved model, a damaged one, or one with a type that is not trusted.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such model; run the step that makes it")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no saved model (a skops file); a pickle is never read")
    from skops.io import get_untrusted_types, load

    try:
        unknown = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
    except Exception as error:  # skops raises whatever a damaged or crafted file leads to.
        raise ValueError(f"{path} is damaged or no saved model ({error!r}); make it again") from error
    if unknown:
        raise ValueError(f"{path} is refused: it holds {unknown[0]}, which is not trusted; use models of your own runs")
    try:
        model = load(path, trusted=list(TRUSTED))
        _check(model)
    except Exception as error:  # As above.
        raise ValueError(f"{path} is damaged or no saved model ({error!r}); make it again") from error
    return model


def _with_repeatable_bytes(content: bytes) -> bytes:
    """Number the parts of a skops file in their order, instead of by memory address, and leave the time out."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = members.pop("schema.json").decode()
    numbers: dict[str, str] = {}

    def renumber(found: re.Match) -> str:
        return f"{found[1]}{numbers.setdefault(found[2], str(len(numbers)))}{found[3]}"

    # Text of ours inside the schema has its quotes escaped, so that only skops' own keys match.
    schema = re.sub(r'((?<!\\)"__id__": )(\d+)(,|\n)', renumber, schema)
    schema = re.sub(r'((?<!\\)"file": ")(\d+)(\.\w+")', renumber, schema)
    renamed = {re.sub(r"^()(\d+)(\.\w+)$", renumber, name): data for name, data in members.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*renamed.items(), ("schema.json", schema.encode())]:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _check(model: Any) -> None:
    from sklearn.pipeline import Pipeline

    if not isinstance(model, dict) or set(model) != set(KEYS) or not isinstance(model["pipeline"], Pipeline):
        raise ValueError("it lacks what a saved model has")
    last = model["pipeline"][-1]
    for estimator in [last, *getattr(last, "estimators_", [])]:
        if hasattr(estimator, "tree_"):
            _check_tree(estimator.tree_, estimator.n_features_in_)


def _check_tree(tree, features: int) -> None:
    """Refuse a tree whose walk would leave its arrays or never end; scikit-learn walks it unchecked."""
    import numpy as np

    left, right, node = tree.children_left, tree.children_right, np.arange(tree.node_count)
    inner = left != -1
    sound = (left > node) & (right > node) & (left < tree.node_count) & (right < tree.node_count)
    sound &= (tree.feature >= 0) & (tree.feature < features)
    if not tree.node_count or not sound[inner].all() or tree.n_features != features:
        raise ValueError("a tree in it is not sound")
