"""Fitted models in a file, by skops: reading one runs no code of the file's, as a pickle would."""

from pathlib import Path
from typing import Any

from nearlabel.grouping.models.trusted import foreign_steps, foreign_value, read_skops, write_skops

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
        `nearlabel.features.extract.extract_features`), ``seed``, ``weights_sha256``, ``weights_dir`` (where they were
        found, if in one), ``library_versions``, ``scale`` (of `nearlabel.images.scales.learnt_scale`) and, where it
        pools by novelty, ``reference``: arrays of
        `nearlabel.features.store.read_reference`, so that this file alone is enough on another machine. ``scores``:
        means over the folds. ``library_versions``: dict of str.

    Raises
    ------
    ValueError
        A key is missing or unknown.
    """
    if set(model) != set(KEYS):
        raise ValueError(f"{path}: a saved model has the keys {', '.join(KEYS)}, not {', '.join(model)}")
    write_skops(path, {key: model[key] for key in KEYS})


def load_model(path: str | Path) -> dict[str, Any]:
    """Load a model that `save_model` saved.

    Parameters
    ----------
    path : str or Path
        The file. It may come from anybody: a type that skops does not know to be harmless is refused before anything
        is made of the file, and whatever is not built of the steps and models of
        `nearlabel.grouping.models.pipelines.fit_model` before it is used.

    Returns
    -------
    dict
        See `save_model`.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a saved model, a damaged one, or one with a type or a step that no model of ours has.
    """
    return read_skops(path, "saved model", _find_foreign)


def _find_foreign(model: Any) -> str | None:
    if type(model) is not dict or set(model) != set(KEYS):
        raise ValueError("it lacks what a saved model has")
    others = (value for key, value in model.items() if key != "pipeline")
    return foreign_steps(model["pipeline"], model=True) or foreign_value(*others)
