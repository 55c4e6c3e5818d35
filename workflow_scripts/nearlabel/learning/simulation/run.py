"""One strategy on one fold, from files to files."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nearlabel.features.store import read_novelty
from nearlabel.files import how_to_remake, write_csv, write_json
from nearlabel.learning.simulation.engine import Engine
from nearlabel.learning.simulation.fold import Fold
from nearlabel.learning.simulation.probabilities import KeptProbabilities
from nearlabel.learning.simulation.query_maps import write_query_maps
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
    novelty=None,
    states,
    output: Mapping[str, Any],
) -> StateFile:
    """Run one strategy on one fold and write what it did.

    Parameters
    ----------
    fold : Fold
    strategy : mapping
        ``name`` and ``parameters``.
    settings, fold_seed, query_seed
        As for `nearlabel.learning.simulation.engine.Engine`.
    novelty : str or Path, optional
        The feature file that says how novel each image is, for a strategy that needs it.
    states : str or Path
        Folder of this run's state.
    output : mapping of str to path
        ``rounds, queries, choices, maps``, and ``probabilities`` where these are wanted.

    Returns
    -------
    StateFile
        Of the run that has ended. To be removed when all that its job makes is there: a job that is killed earlier
        loses its outputs, but not what it has computed.
    """
    experiment = fold.experiment
    novel = _read_scores(novelty, experiment.image_id) if novelty else None
    parts = {
        "images": str(fold.arrays.attributes["fingerprint"]),
        "labels": experiment.labels.tolist(),
        "roles": [rows.tolist() for rows in (experiment.pool, experiment.validation, experiment.test)],
        "classifier": fold.classifier.describe(),
        "seed": fold.classifier.seed,
        "strategy": dict(strategy),
        "settings": dict(settings),
        "seeds": [fold_seed, query_seed],
        "novelty": None if novel is None else hashlib.sha256(novel.tobytes()).hexdigest(),
        "sources": sources_of(__name__).describe(),
    }
    if "probabilities" in output:
        # A state of a run that does not keep them is of no use.
        parts["probabilities"] = True
    state_file = StateFile(states, parts)
    kept = KeptProbabilities(state_file.path) if "probabilities" in output else None
    run = Engine(
        experiment,
        fold.classifier,
        fold.rows,
        build_strategy(strategy["name"], strategy["parameters"]),
        settings,
        fold_seed=fold_seed,
        query_seed=query_seed,
        state_file=state_file,
        novelty=novel,
        probabilities=kept,
    ).run()
    write_csv(output["rounds"], run.rounds)
    write_csv(output["queries"], run.queries)
    write_json(output["choices"], run.choices)
    chosen = run.queries[run.queries["round"] > 0]
    write_query_maps(output["maps"], run.maps, chosen["round"], chosen["image_id"])
    if kept:
        kept.write(output["probabilities"], run.rounds["n_labelled"], experiment.image_id[experiment.pool])
    return state_file


def _read_scores(path, image_ids: Sequence[str]) -> np.ndarray:
    """Read how novel images are, in the order of their ids."""
    found = read_novelty(path)
    row_of = {image: row for row, image in enumerate(found.image_id)}
    lacking = [image for image in image_ids if image not in row_of]
    if lacking:
        raise ValueError(f"{path} lacks {len(lacking)} images, first {lacking[0]!r}; {how_to_remake(path)}")
    return found.scores[[row_of[image] for image in image_ids]]
