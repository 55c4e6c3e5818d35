"""The next batch, from files to files."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from nearlabel.features.store import Novelty, read_novelty
from nearlabel.files import write_csv, written_whole
from nearlabel.hdf5 import hdf5_file
from nearlabel.labelling.answers.consensus import DISPUTED
from nearlabel.labelling.learner import Learner
from nearlabel.labelling.opening import open_labelling
from nearlabel.labelling.rounds.opinions import Opinions, record_opinions
from nearlabel.labelling.rounds.plan import plan_round
from nearlabel.labelling.rounds.queue import make_queue
from nearlabel.labelling.rounds.record import record_round
from nearlabel.learning.strategies import build_strategy

logger = logging.getLogger(__name__)


def choose_batch(
    values,
    images,
    hashes,
    labels,
    rounds,
    *,
    output: Mapping[str, Any],
    queries: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Any],
    training: Mapping[str, Any],
    seed: int,
    head_seed: int,
    novelty=None,
    **build: Any,
) -> None:
    """Train on the labels so far, plan the next round, put it on record, and write what to ask for.

    Parameters
    ----------
    values : str or Path
        Decoded images or outputs of the frozen stages.
    images, hashes, labels : str or Path
        ``images.csv``, ``hashes.h5``, ``labels.csv``.
    rounds : str or Path
        Folder of the rounds on record.
    output : mapping of str to path
        ``queue`` (``queue.csv``), ``predictions`` (``predictions.csv``: image_id; probability of a defect by the
        network that learnt from all labels; judged_without: by one that did not learn from the image nor from a
        near-duplicate, of labelled images; both empty as long as there is nothing to learn from), ``overlays`` (HDF5:
        for each image of the queue where the network looks for a defect, or what is novel in it).
    queries : mapping of str to mapping
        ``strategy`` and ``start``: name and parameters.
    settings : mapping
        ``batch_size, audit, certify, folds, distance``.
    training : mapping
        As for `nearlabel.labelling.learner.Learner`.
    **build
        Of `nearlabel.learning.network.model.build_classifier`.
    seed, head_seed : int
        Of all choices and training; of the last layer.
    novelty : str or Path, optional
        Feature file that says how novel images are.
    """
    opened = open_labelling(
        values, images, hashes, labels, rounds,
        training=training, distance=settings["distance"], seed=seed, head_seed=head_seed, **build,
    )  # fmt: skip
    situation, arrays, rows, learner = opened.situation, opened.arrays, opened.rows, opened.learner
    image_ids = situation.images
    novel = _by_rows(read_novelty(novelty), arrays.image_id) if novelty else None
    predictions = pd.DataFrame({"image_id": image_ids, "probability": np.nan, "judged_without": np.nan})
    query, chosen_by = queries["start"], f"start:{queries['start']['name']}"
    if learner.can_learn:
        query, chosen_by = queries["strategy"], queries["strategy"]["name"]
        predictions["judged_without"] = learner.cross_validate(opened.groups, settings["folds"])[rows]
        learner.train()
        predictions["probability"] = learner.probabilities(rows)
    strategy = build_strategy(query["name"], query["parameters"])

    def choose(among, n, taken, query_seed):
        found = learner.choose(
            strategy,
            np.sort(arrays.rows(among)),
            n,
            taken=arrays.rows(taken),
            seed=query_seed,
            novelty=None if novel is None else novel.scores,
        )
        return [str(image) for image in arrays.image_id[found]]

    # With another network or strategy the same labels give another batch; on another machine they do not.
    described = {
        name: value for name, value in learner.classifier.describe().items() if name not in ("device", "threads")
    }
    depends = {"training": training, "queries": queries, "network": described, "seeds": [seed, head_seed]}
    planned = plan_round(situation, {**settings, "depends": depends}, choose, chosen_by=chosen_by, seed=seed)
    if planned.number > len(situation.rounds):
        if learner.can_learn:
            said = predictions.sort_values("image_id")
            record_opinions(
                rounds, planned, Opinions(said["probability"].to_numpy(), said["judged_without"].to_numpy())
            )
        record_round(rounds, planned)
    answered = opened.answered
    disputed = list(answered.loc[answered["state"] == DISPUTED, "image_id"])
    queue = make_queue(situation, planned, disputed, seed=seed)
    write_csv(output["predictions"], predictions)
    asked = list(queue["image_id"])
    _write_overlays(output["overlays"], asked, _overlays(learner, novel, arrays.rows(asked)))
    write_csv(output["queue"], queue)
    logger.info("round %d: %d images by %s", planned.number, len(queue), planned.chosen_by)


def _by_rows(found: Novelty, image_ids) -> Novelty:
    """Novelty in the order of the stored rows."""
    row_of = {image: row for row, image in enumerate(found.image_id)}
    order = [row_of[image] for image in image_ids]
    return Novelty(found.scores[order], [found.maps[row] for row in order], found.image_id[order])


def _overlays(learner: Learner, novel: Novelty | None, rows: np.ndarray) -> list[np.ndarray]:
    if learner.can_learn:
        maps = learner.overlays(rows)
        return [] if maps is None else list(maps)
    if novel is None or not len(rows):
        return []
    # One scale for all, so that an image without anything novel shows nothing.
    low, high = (np.percentile(np.concatenate([one.ravel() for one in novel.maps]), share) for share in (50, 99.5))
    return [np.clip((novel.maps[row] - low) / max(high - low, 1e-12), 0, 1).astype(np.float32) for row in rows]


def _write_overlays(path, image_ids, maps) -> None:
    with written_whole(path) as partial, hdf5_file(partial, "w") as file:
        file.attrs["count"] = len(maps)
        file.create_dataset("image_id", data=list(image_ids), dtype=h5py.string_dtype("utf-8"))
        for place, values in enumerate(maps):
            file.create_dataset(f"maps/{place}", data=np.asarray(values, np.float32))


def read_overlays(path) -> dict[str, np.ndarray]:
    """Read the overlays of a queue: image_id → map in [0, 1], float32 (height, width); empty where there are none."""
    with hdf5_file(Path(path), "r") as file:
        if not file.attrs["count"]:
            return {}
        return {image: file[f"maps/{place}"][:] for place, image in enumerate(file["image_id"].asstr()[:])}
