"""Skops files of ours: written with bytes that repeat, read without running code of theirs, checked before use."""

import io
import re
import zipfile
from collections.abc import Callable, Iterable
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


def write_skops(path: str | Path, content: Any) -> None:
    """Write fitted pipelines, arrays, texts and numbers; the same content gives the same bytes."""
    from skops.io import dumps

    packed = _with_repeatable_bytes(dumps(content))
    with written_whole(path) as partial:
        partial.write_bytes(packed)


def read_skops(path: str | Path, what: str, find_foreign: Callable[[Any], str | None]) -> Any:
    """Read what `write_skops` wrote.

    Parameters
    ----------
    path : str or Path
        The file. It may come from anybody: a type that skops does not know to be harmless is refused before anything
        is made of the file.
    what : str
        What the file is, for messages: ``saved model``.
    find_foreign : callable
        Says what in the content none of ours has, None where there is no such thing; raises where something lacks.
        See `foreign_steps` and `foreign_value`.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; not a skops file, a damaged one, or one with a type or a step that none of ours has.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such {what.split()[-1]}; run the step that makes it")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is no {what} (a skops file); a pickle is never read")
    from skops.io import get_untrusted_types, load

    try:
        unknown = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
    except Exception as error:  # skops raises whatever a damaged or crafted file leads to.
        raise ValueError(f"{path} is damaged or no {what} ({error!r}); make it again") from error
    if unknown:
        raise ValueError(f"{path} is refused: it holds {unknown[0]}, which is not trusted; use models of your own runs")
    try:
        content = load(path, trusted=list(TRUSTED))
        foreign = find_foreign(content)
    except Exception as error:  # As above.
        raise ValueError(f"{path} is damaged or no {what} ({error!r}); make it again") from error
    if foreign:
        raise ValueError(
            f"{path} is refused: {foreign}, as in no {what.split()[-1]} made here; use models of your own runs"
        )
    return content


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


def foreign_steps(pipeline: Any, *, model: bool) -> str | None:
    """Say what in a pipeline none of ours has, None where there is no such thing; check its trees.

    Parameters
    ----------
    pipeline : object
        What should be a fitted pipeline of `nearlabel.grouping.models.pipelines`.
    model : bool
        Whether its last step is a model, or it only reduces.

    Raises
    ------
    ValueError
        A tree in it is not sound.
    """
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
    if type(pipeline) is not Pipeline:
        return f"its pipeline is {_name(type(pipeline))}"
    steps = list(pipeline.steps)
    names = [name for name, _ in steps]
    if (names[-1:] == ["model"]) != model or not names or names != [name for name in places if name in names]:
        return f"its steps are {', '.join(map(repr, names))}"
    for name, step in steps:
        if type(step) not in places[name]:
            return f"its step {name!r} is {_name(type(step))}"
    last = steps[-1][1]
    # A forest's trees read features unchecked, as many as the forest says.
    if type(last) is IsolationForest and last._max_features != last.n_features_in_:
        return "its forest's trees see a part of the features"
    held = [(value, ()) for key, value in vars(pipeline).items() if key != "steps"]
    held += [(vars(step), inside.get(type(step), ())) for _, step in steps]

    def look_inside(value: Any) -> list:
        if type(value) is Tree:
            _check_tree(value, last.n_features_in_)
        return [(vars(value), inside.get(type(value), ()))] if hasattr(value, "__dict__") else []

    return _find_foreign(held, look_inside)


def foreign_value(*values: Any) -> str | None:
    """Say what in values is more than texts, numbers, arrays of those, and dicts, lists and tuples of all these."""
    return _find_foreign([(value, ()) for value in values], lambda value: [])


def _find_foreign(held: list, look_inside: Callable[[Any], Iterable]) -> str | None:
    """Walk through values, each with the types that are allowed in it beside plain ones."""
    seen = set()
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
            held += look_inside(value)
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
