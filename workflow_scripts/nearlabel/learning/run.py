"""One strategy on one fold, from files to files."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from nearlabel.features.cache import hash_sources
from nearlabel.images.files import write_csv, write_json
from nearlabel.learning.engine import Engine
from nearlabel.learning.fold import Fold
from nearlabel.learning.state import StateFile
from nearlabel.learning.strategies import build_strategy

_SOURCES = tuple(
    f"nearlabel.learning.{name}"
    for name in (
        "distances", "diversity", "engine", "evaluate", "feature_maps", "fit", "frozen", "gradcam", "logits", "model",
        "protocol", "selection", "split", "ssim", "strategies", "views", "wrappers",
    )
)  # fmt: skip
_LIBRARIES = ("numpy", "scikit-learn", "scipy", "torch", "torchvision")


def run_strategy(
    fold: Fold,
    strategy: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    fold_seed: int,
    query_seed: int,
    states,
    output: Mapping[str, Any],
) -> None:
    """Run one strategy on one fold and write what it did.

    Parameters
    ----------
    fold : Fold
    strategy : mapping
        ``name`` and ``parameters``.
    settings, fold_seed, query_seed
        As for `nearlabel.learning.engine.Engine`.
    states : str or Path
        Folder of the states of unfinished runs.
    output : mapping of str to path
        ``rounds, queries, choices``.
    """
    experiment = fold.experiment
    parts = {
        "images": str(fold.arrays.attributes["fingerprint"]),
        "labels": experiment.labels.tolist(),
        "roles": [rows.tolist() for rows in (experiment.pool, experiment.validation, experiment.test)],
        "classifier": fold.classifier.describe(),
        "seed": fold.classifier.seed,
        "strategy": dict(strategy),
        "settings": dict(settings),
        "seeds": [fold_seed, query_seed],
        "versions": {library: version(library) for library in _LIBRARIES},
        "sources": hash_sources(_SOURCES),
    }
    run = Engine(
        experiment,
        fold.classifier,
        fold.arrays.values,
        build_strategy(strategy["name"], strategy["parameters"]),
        settings,
        fold_seed=fold_seed,
        query_seed=query_seed,
        state_file=StateFile(states, parts),
    ).run()
    write_csv(output["rounds"], run.rounds)
    write_csv(output["queries"], run.queries)
    write_json(output["choices"], run.choices)
