"""What the rules of grouping take from the plan: files of a node, what is clustered how, models on top."""

from typing import Any

from nearlabel.config.features import WINNER
from nearlabel.grouping.clustering.catalogue import CATALOGUE
from nearlabel.grouping.selection.catalogue import LABEL_BASED
from nearlabel.plan.blocks import read_block, split_ks
from nearlabel.plan.levels import PlannedLevel
from nearlabel.plan.networks import RUNTIME_KEYS, encoder_seed
from nearlabel.plan.resolve import Plan
from nearlabel.plan.resources import merging
from nearlabel.run_files import CLUSTERS, FEATURES, LABELS, LEVELS, QUALITY, SCORES, SELECTION, fill
from nearlabel.seeds import derive_seed


def level_of(node: str) -> int:
    """Depth of a node; the root's is 0."""
    return node.count(".")


def parent(node: str) -> str:
    """The node that a node is a cluster of; empty for the root."""
    return node.rpartition(".")[0]


def per_dataset(plan: Plan, pattern: str, **fields: str) -> list[str]:
    """Every grouped data set's file."""
    return [fill(pattern, run=plan.config.run, dataset=name, **fields) for name in plan.grouping.datasets]


def per_classification(plan: Plan, pattern: str, **fields: str) -> list[str]:
    """Every data set's and classification's file."""
    return [
        file
        for node, target in plan.classifications
        for file in per_dataset(plan, pattern, node=node, target=target, **fields)
    ]


def grouped_features(plan: Plan) -> list[str]:
    """Features of every grouped data set and encoder."""
    return [file for id in plan.encoders for file in per_dataset(plan, FEATURES, encoder=id)]


def level_tables(plan: Plan) -> list[str]:
    """The table of all groups of every grouped data set, down to the deepest level."""
    return per_dataset(plan, LEVELS, level=plan.last_level)


def written_levels(plan: Plan) -> list[str]:
    """Patterns of the tables of levels that are collected at the end; a tree that grows by itself writes its own."""
    return [] if plan.grows else [fill(LEVELS, level=level) for level in range(plan.last_level + 1)]


# A node


def reduction_files(plan: Plan, dataset: str, node: str, encoder: str) -> dict[str, Any]:
    """Features of the node's encoder, of all that it may be where that is the parent's winner; the parent's choice."""
    places = {"run": plan.config.run, "dataset": dataset}
    ids = plan.candidates(node) if encoder == WINNER else [encoder]
    files: dict[str, Any] = {"features": [fill(FEATURES, **places, encoder=id) for id in ids]}
    if node != "root":
        files["clusters"] = fill(CLUSTERS, **places, node=parent(node))
        files["selection"] = fill(SELECTION, **places, node=parent(node))
    return files


def candidate_features(plan: Plan, dataset: str, node: str) -> list[str]:
    """Features of every encoder that may have won a node."""
    places = {"run": plan.config.run, "dataset": dataset}
    return [fill(FEATURES, **places, encoder=id) for id in plan.candidates(node)]


def reduction(plan: Plan, node: str) -> dict[str, Any]:
    """How a node's features are reduced."""
    return plan.level(node).reduction.model_dump()


def clustering(plan: Plan, dataset: str, node: str, algorithm: str, block: str) -> dict[str, Any]:
    """The algorithm, its seed and the numbers of clusters of a block: one param, as each takes time in every plan."""
    level = plan.level(node)
    chosen = level.algorithms[algorithm]
    extra = {"vectors": level.ks[1]} if CATALOGUE[chosen.name].embeds else {}
    return {
        "algorithm": chosen.name,
        "ks": read_block(block),
        "seed": derive_seed(plan.config.seed, f"cluster/{dataset}/{node}/{algorithm}"),
        "parameters": chosen.parameters | extra,
    }


def label_blocks(plan: Plan, dataset: str, node: str, encoder: str) -> list[str]:
    """Label files of every algorithm and block of k at a node."""
    level = plan.level(node)
    blocks = split_ks(*level.ks, plan.grouping.ks_per_job)
    pattern = fill(LABELS, run=plan.config.run, dataset=dataset, node=node, encoder=encoder)
    return [fill(pattern, algorithm=id, block=block) for id in level.algorithms for block in blocks]


def per_encoder(plan: Plan, pattern: str, dataset: str, node: str) -> list[str]:
    """One file of every encoder at a node."""
    pattern = fill(pattern, run=plan.config.run, dataset=dataset, node=node)
    return [fill(pattern, encoder=id) for id in plan.level(node).encoders]


def novelty_files(plan: Plan, dataset: str, node: str) -> list[str]:
    """Feature files with maps of novelty, of every encoder that may be selected at a node."""
    pattern = fill(FEATURES, run=plan.config.run, dataset=dataset)
    chosen = [id for id in plan.candidates(node) if plan.encoders[id].pooling == "novelty"]
    return [fill(pattern, encoder=id) for id in chosen]


def per_encoder_labels(plan: Plan, dataset: str, node: str) -> list[str]:
    """Label files of every encoder, algorithm and block of k at a node."""
    return [file for id in plan.level(node).encoders for file in label_blocks(plan, dataset, node, id)]


def selection_tables(plan: Plan, dataset: str, node: str) -> list[str]:
    """Scores of every encoder at a node; without near-labels where the choice needs none."""
    by_labels = plan.level(node).criterion in LABEL_BASED and node not in plan.grouping.choose
    return per_encoder(plan, SCORES if by_labels else QUALITY, dataset, node)


def criterion(plan: Plan, node: str) -> str:
    """What chooses a node's clustering."""
    return plan.level(node).criterion


def networks(plan: Plan, node: str) -> dict[str, str]:
    """Network of each encoder that a node may have, by id."""
    return {id: plan.encoders[id].name for id in plan.candidates(node)}


def structure(plan: Plan, node: str) -> dict[str, Any]:
    """How a node's agreement is held against structureless data; stability only where it decides."""
    return {**plan.grouping.structure.model_dump(), "stability": criterion(plan, node) == "stability"}


def choice(plan: Plan, node: str) -> dict[str, Any] | None:
    """A node's clustering as the user has chosen it."""
    chosen = plan.grouping.choose.get(node)
    return None if chosen is None else chosen.model_dump()


def algorithms(plan: Plan, node: str) -> dict[str, dict[str, Any]]:
    """The algorithms of a node's level, by id."""
    return {id: algorithm.model_dump() for id, algorithm in plan.level(node).algorithms.items()}


def linkages(plan: Plan, node: str) -> dict[str, str]:
    """Linkage of each algorithm at a node's level that cuts a tree of merges, by id."""
    return {id: algorithm.parameters["linkage"] for id, algorithm in merging(plan.level(node).algorithms).items()}


def merged_neighbors(plan: Plan, node: str) -> dict[str, int]:
    """Neighbours of each such algorithm that merges along their graph, by id."""
    return {
        id: algorithm.parameters["n_neighbors"]
        for id, algorithm in merging(plan.level(node).algorithms).items()
        if algorithm.parameters["connectivity"] == "nearest_neighbors"
    }


# Growing the tree


def named_below(plan: Plan, level: int) -> list[str]:
    """Nodes of the next level that the config names."""
    return [node for node in plan.named if level_of(node) == level + 1]


def smallest_k_below(plan: Plan, level: int) -> int:
    """Smallest number of clusters that the next level tries."""
    return _level_below(plan, level).ks[0]


def clustering_below(plan: Plan, level: int) -> dict[str, Any]:
    """How the next level would cluster a group, and how its structure is measured before."""
    below = _level_below(plan, level)
    algorithms = {id: algorithm.model_dump() for id, algorithm in below.algorithms.items()}
    return {"algorithms": algorithms, "ks": list(below.ks), **plan.grouping.structure.model_dump()}


def _level_below(plan: Plan, level: int) -> PlannedLevel:
    return plan.levels[min(level + 1, len(plan.levels) - 1)]


def overlap_wanted(plan: Plan, node: str) -> str:
    """Smallest overlap of a named node with its images of then; empty for others, which a tree grew."""
    return str(plan.grouping.min_overlap) if node in plan.named else ""


def names_file(plan: Plan, dataset: str) -> list[str]:
    """The user's names for the groups of a data set, if any."""
    names = plan.grouping.names.get(dataset)
    return [names] if names else []


# Models on top of the clusters


def classification(plan: Plan, node: str, target: str) -> dict[str, Any]:
    """Models that learn a node's clusters or near-labels, and how they are judged."""
    chosen = plan.classifications[node, target]
    return {
        "models": [model.model_dump() for model in chosen.models.values()],
        "folds": chosen.folds,
        "duplicate_distance": chosen.duplicate_distance,
        "choose": chosen.choose,
        "normal": chosen.normal,
    }


def classified_encoders(plan: Plan, node: str) -> dict[str, dict[str, Any]]:
    """What the features of each encoder that may have won the node depend on, for new images."""
    return {
        id: {**plan.encoders[id].model_dump(exclude=RUNTIME_KEYS), "seed": encoder_seed(plan, id)}
        for id in plan.candidates(node)
    }
