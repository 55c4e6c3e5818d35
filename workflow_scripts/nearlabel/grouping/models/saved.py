"""Fitted models in a file, by skops: reading one runs no code of the file's, as a pickle would."""

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from nearlabel.files import written_whole

# Beside what skops trusts by itself: what is our own, and the arrays inside scikit-learn's trees, checked when read.
TRUSTED = (
    "nearlabel.grouping.models.detectors.NearestCentreDetector",
    "nearlabel.grouping.models.roots.SignedRoot",
    "sklearn.tree._tree.Tree",
)

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
        foreign = _check(model)
    except Exception as error:  # As above.
        raise ValueError(f"{path} is damaged or no saved model ({error!r}); make it again") from error
    if foreign:
        raise ValueError(f"{path} is refused: {foreign}, as in no model made here; use models of your own runs")
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


def _check(model: Any) -> str | None:
    """Say what in a loaded model none of ours has, None where there is no such thing; check its trees."""
    from sklearn.decomposition import PCA
    from sklearn.ensemble import IsolationForest
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import LabelBinarizer, Normalizer, StandardScaler
    from sklearn.random_projection import GaussianRandomProjection
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor
    from sklearn.tree._tree import Tree

    from nearlabel.grouping.models.detectors import NearestCentreDetector
    from nearlabel.grouping.models.roots import SignedRoot

    # Steps in their order, and what an estimator holds beside numbers and texts.
    places = {
        "power": (SignedRoot,),
        "standardise": (StandardScaler,),
        "normalise": (Normalizer,),
        "centre": (StandardScaler,),
        "reduce": (PCA, GaussianRandomProjection),
        "varies": (VarianceThreshold,),
        "scale": (StandardScaler,),
        "model": (SVC, DecisionTreeClassifier, MLPClassifier, IsolationForest, NearestCentreDetector),
    }
    inside = {
        DecisionTreeClassifier: (Tree,),
        MLPClassifier: (LabelBinarizer, np.random.RandomState),
        IsolationForest: (ExtraTreeRegressor,),
        ExtraTreeRegressor: (Tree,),
    }
    if type(model) is not dict or set(model) != set(KEYS):
        raise ValueError("it lacks what a saved model has")
    pipeline = model["pipeline"]
    if type(pipeline) is not Pipeline:
        return f"its pipeline is {_name(type(pipeline))}"
    steps = list(pipeline.steps)
    names = [name for name, _ in steps]
    if names[-1:] != ["model"] or names != [name for name in places if name in names]:
        return f"its steps are {', '.join(map(repr, names))}"
    for name, step in steps:
        if type(step) not in places[name]:
            return f"its step {name!r} is {_name(type(step))}"
    held = [(value, ()) for key, value in model.items() if key != "pipeline"]
    held += [(value, ()) for key, value in vars(pipeline).items() if key != "steps"]
    held += [(vars(step), inside.get(type(step), ())) for _, step in steps]
    last, seen = steps[-1][1], set()
    # A forest's trees read features unchecked, as many as the forest says.
    if type(last) is IsolationForest and last._max_features != last.n_features_in_:
        return "its forest's trees see a part of the features"
    while held:
        value, allowed = held.pop()
        if (id(value), allowed) in seen:
            continue
        seen.add((id(value), allowed))
        if type(value) is dict:
            held += [(part, allowed) for entry in value.items() for part in entry]
        elif type(value) in (list, tuple):
            held += [(part, allowed) for part in value]
        elif type(value) in allowed:
            if type(value) is Tree:
                _check_tree(value, last.n_features_in_)
            if hasattr(value, "__dict__"):
                held.append((vars(value), inside.get(type(value), ())))
        elif not _is_plain(value):
            return f"it holds {_name(type(value))}"
    return None


def _is_plain(value: Any) -> bool:
    """Whether a value is a text, a number or an array of those."""
    if type(value) is np.ndarray or isinstance(value, np.generic):
        return value.dtype.kind in "biufUS"
    return type(value) in (str, int, float, bool, type(None))


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _check_tree(tree, features: int) -> None:
    """Refuse a tree whose walk would leave its arrays or never end; scikit-learn walks it unchecked."""
    left, right, node = tree.children_left, tree.children_right, np.arange(tree.node_count)
    inner = left != -1
    sound = (left > node) & (right > node) & (left < tree.node_count) & (right < tree.node_count)
    sound &= (tree.feature >= 0) & (tree.feature < features)
    if not tree.node_count or not sound[inner].all() or tree.n_features != features:
        raise ValueError("a tree in it is not sound")
