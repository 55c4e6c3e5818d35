"""One strategy on one fold, from files to files."""

from collections.abc import Mapping
from typing import Any

from nearlabel.files import write_csv, write_json
from nearlabel.learning.simulation.engine import Engine
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.state import StateFile
from nearlabel.learning.strategies import build_strategy
from nearlabel.sources import sources_of


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
        As for `nearlabel.learning.simulation.engine.Engine`.
    states : str or Path
        Folder of this run's state until it has ended.
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
        "sources": sources_of(__name__).describe(),
    }
    state_file = StateFile(states, parts)
    run = Engine(
        experiment,
        fold.classifier,
        fold.arrays.values,
        build_strategy(strategy["name"], strategy["parameters"]),
        settings,
        fold_seed=fold_seed,
        query_seed=query_seed,
        state_file=state_file,
    ).run()
    write_csv(output["rounds"], run.rounds)
    write_csv(output["queries"], run.queries)
    write_json(output["choices"], run.choices)
    state_file.remove()
