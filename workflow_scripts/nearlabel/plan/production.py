"""What the rule of bundles takes from the plan: files, labels, the model, settings."""

from typing import Any

from nearlabel.images.listing import fingerprint_listing
from nearlabel.plan.labelling import hash_files, label_names, list_label_files
from nearlabel.plan.levels import bits_apart
from nearlabel.plan.networks import encoder, encoder_files, encoder_seed, reference_seed
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import FEATURES, FINAL_MODEL, FINAL_PREDICTIONS, MODEL_SUMMARY, NEWEST_BUNDLE, fill


def newest_files(plan: Plan) -> list[str]:
    """The note of the newest bundle; none where no bundle is asked for."""
    if not plan.production:
        return []
    return [fill(NEWEST_BUNDLE, run=plan.config.run, dataset=plan.production.dataset)]


def bundle_files(plan: Plan) -> list[str]:
    """The same, for the target that asks for it."""
    if not plan.production:
        raise ValueError("bundle: the config has no section `production`; add one that names a data set")
    return newest_files(plan)


def possible_encoders(plan: Plan) -> list[str]:
    """Ids of all encoders that may be selected at any node."""
    depths = range(plan.last_level + 1)
    return list(dict.fromkeys(id for depth in depths for id in plan.candidates("root" + ".0" * depth)))


def features_files(plan: Plan, dataset: str) -> list[str]:
    """Features of those encoders."""
    return [fill(FEATURES, run=plan.config.run, dataset=dataset, encoder=id) for id in possible_encoders(plan)]


def own_files(plan: Plan) -> list[str]:
    """The user's own files that those encoders are made of."""
    return [file for id in possible_encoders(plan) for file in encoder_files(plan, id)]


def bundle_encoders(plan: Plan) -> dict[str, dict[str, Any]]:
    """What features of new images by those encoders depend on."""
    return {
        id: {**encoder(plan, id), "seed": encoder_seed(plan, id), "reference_seed": reference_seed(plan, id)}
        for id in possible_encoders(plan)
    }


def runtime(plan: Plan) -> dict[str, dict[str, Any]]:
    """Where those encoders compute, and find their weights."""
    keys = {"device", "weights_dir", "weights_mirror"}
    return {id: plan.encoders[id].model_dump(include=keys) for id in possible_encoders(plan)}


def answer_folder(plan: Plan) -> str:
    """Folder of the files of labels."""
    return plan.production.folder or (plan.labelling.folder if plan.labelling else "labels")


def answer_files(plan: Plan) -> list[str]:
    """The files of labels that there are."""
    return list_label_files(answer_folder(plan))


def answer_contents(plan: Plan) -> list[str]:
    """What stands in them."""
    return hash_files(answer_files(plan))


def line_listing(plan: Plan) -> str:
    """Fingerprint of the images that operators have captured."""
    return fingerprint_listing({"kind": "image_folder", "root": plan.production.line})


def by_network(plan: Plan) -> bool:
    """Whether the network that labelling ended with gives labels."""
    return plan.production.label_by == "network"


def network_files(plan: Plan, dataset: str) -> list[str]:
    """That network, and what networks said of images that they had not learnt from."""
    places = {"run": plan.config.run, "dataset": dataset}
    return [fill(pattern, **places) for pattern in (FINAL_MODEL, FINAL_PREDICTIONS)] if by_network(plan) else []


def summary_files(plan: Plan, dataset: str) -> list[str]:
    """What tells which model the classification of the root's near-labels has chosen, where that decides."""
    decides = plan.label_model is None and ("root", "near_labels") in plan.classifications and not by_network(plan)
    places = {"run": plan.config.run, "dataset": dataset, "node": "root", "target": "near_labels"}
    return [fill(MODEL_SUMMARY, **places)] if decides else []


def models(plan: Plan) -> list[dict[str, Any]]:
    """The model that gives labels; where a classification decides, those that it chooses among; none for svm."""
    if plan.label_model:
        return [plan.label_model.model_dump()]
    classified = plan.classifications.get(("root", "near_labels"))
    return [model.model_dump() for model in classified.models.values()] if classified else []


def settings(plan: Plan) -> dict[str, Any]:
    """What is learnt, held out and stated."""
    chosen = plan.production
    labelled = plan.labelling is not None and plan.labelling.dataset == chosen.dataset
    keys = {"label_by", "held_out", "coverage", "false_alarms", "neighbors", "reference", "line"}
    normal = [plan.labelling.good] if labelled and chosen.normal is None else chosen.normal or []
    return {
        **chosen.model_dump(include=keys),
        "labels": list(dict.fromkeys([*(label_names(plan) if labelled else []), *chosen.labels])),
        "named_alone": labelled,
        "normal": normal,
        "distance": bits_apart(chosen.duplicate_distance),
    }


def reductions(plan: Plan) -> list[dict[str, Any]]:
    """How features are reduced, level by level."""
    return [level.reduction.model_dump() for level in plan.levels]
