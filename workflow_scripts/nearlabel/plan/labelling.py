"""What the rules of labelling take from the plan: files of labels, what chooses, how the network is trained."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nearlabel.plan.learning import TRAINING_KEYS
from nearlabel.plan.levels import bits_apart
from nearlabel.plan.networks import asked_novelty, network, weights_seed
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import (
    FINAL_DOUBTFUL,
    FINAL_MODEL,
    FINAL_PAGE,
    FINAL_PREDICTIONS,
    FINAL_REPORT,
    LABEL_PAGE,
    QUEUE,
    STATUS,
    fill,
)
from nearlabel.seeds import derive_seed


def per_labelled(plan: Plan, *patterns: str, **fields: str) -> list[str]:
    """Files of the data set that is labelled; none without one."""
    return [
        fill(pattern, run=plan.config.run, dataset=name, **fields) for name in plan.labelled for pattern in patterns
    ]


def batch_files(plan: Plan) -> list[str]:
    """What a round makes."""
    _require_labelling(plan, "next_batch")
    return per_labelled(plan, QUEUE, LABEL_PAGE, STATUS)


def final_files(plan: Plan) -> list[str]:
    """What labelling ends with."""
    _require_labelling(plan, "finish")
    return per_labelled(plan, FINAL_MODEL, FINAL_REPORT, FINAL_PREDICTIONS, FINAL_DOUBTFUL, FINAL_PAGE)


def _require_labelling(plan: Plan, target: str) -> None:
    if not plan.labelling:
        raise ValueError(f"{target}: the config has no section `labelling`; add one that names the data set to label")


def label_files(plan: Plan) -> list[str]:
    """The files of labels that there are."""
    return list_label_files(plan.labelling.folder)


def list_label_files(folder: str) -> list[str]:
    """Files of labels in a folder."""
    return sorted(str(path) for path in Path(folder).glob("*.csv") if path.is_file())


def label_contents(plan: Plan) -> list[str]:
    """What stands in them."""
    return hash_files(label_files(plan))


def hash_files(files: Iterable[str]) -> list[str]:
    """Hash files: an older copy of one, put in its place, has an older time than what was made of it."""
    return sorted(hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files)


def rounds_folder(plan: Plan) -> str:
    """Where the rounds are on record: beside the labels, for they are worth as much."""
    return str(Path(plan.labelling.folder) / "rounds")


def label_names(plan: Plan) -> list[str]:
    """Labels that may be given."""
    return [kind.name for kind in plan.labelling.labels]


def choosing(plan: Plan) -> dict[str, Any]:
    """How the next batch is chosen."""
    labelling = plan.labelling
    return {
        "batch_size": labelling.batch_size,
        "audit": labelling.audit,
        "certify": labelling.certify.model_dump(),
        "folds": labelling.folds,
        "distance": bits_apart(labelling.duplicate_distance),
    }


def queries(plan: Plan) -> dict[str, Any]:
    """What chooses, with labels of both classes and without."""
    return {name: query.model_dump(exclude={"id"}) for name, query in plan.queries.items()}


def novelty_files(plan: Plan, dataset: str) -> list[str]:
    """The feature file that says how novel images are; none where no strategy asks."""
    return asked_novelty(plan, dataset, *plan.queries.values())


def training(plan: Plan) -> dict[str, Any]:
    """How the network is trained and evaluated."""
    chosen = plan.labelling.model_dump(include=TRAINING_KEYS)
    return chosen | {"evaluation_batch_size": plan.network.batch_size}


def classifier(plan: Plan, dataset: str) -> dict[str, Any]:
    """What the classifier is built of."""
    seed = derive_seed(plan.config.seed, f"labelling/{dataset}")
    return {
        "network": network(plan),
        "fine_tune": plan.labelling.fine_tune,
        "weights_seed": weights_seed(plan, plan.network),
        "seed": seed,
        "head_seed": derive_seed(seed, "head"),
    }


def page_settings(plan: Plan, dataset: str) -> dict[str, Any]:
    """What the page is told."""
    kinds = [kind.model_dump() for kind in plan.labelling.labels]
    return {"run": plan.config.run, "dataset": dataset, "kinds": kinds, "folder": plan.labelling.folder}


def finishing(plan: Plan) -> dict[str, Any]:
    """How the final network is judged, and its threshold chosen."""
    labelling = plan.labelling
    return {
        "folds": labelling.folds,
        "distance": bits_apart(labelling.duplicate_distance),
        "threshold": labelling.threshold.model_dump(),
        "labels": label_names(plan),
        "good": labelling.good,
    }
