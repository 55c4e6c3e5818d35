# Functions and constants that the rules of grouping take their inputs and params from.

import csv
from itertools import groupby

from nearlabel.config import LABEL_BASED

GROUPING = PLAN.grouping
NODE = "results/{run}/{dataset}/grouping/{node}"


def parent(node):
    return node.rpartition(".")[0]


def reduction_input(wildcards):
    """Features of the node's encoder or, where that is the parent's winner, of all that it may be."""
    folder = f"results/{wildcards.run}/{wildcards.dataset}"
    ids = (
        PLAN.candidates(wildcards.node)
        if wildcards.encoder == WINNER
        else [wildcards.encoder]
    )
    files = {"features": [f"{folder}/features/{id}.h5" for id in ids]}
    if wildcards.node != "root":
        above = f"{folder}/grouping/{parent(wildcards.node)}"
        files["clusters"] = f"{above}/clusters.csv"
        files["selection"] = f"{above}/selection.json"
    return files


def reduction(wildcards):
    return PLAN.level(wildcards.node)["reduction"].model_dump()


def clustering(wildcards):
    """The algorithm, its seed and the numbers of clusters of a block: one param, as each takes time in every plan."""
    level = PLAN.level(wildcards.node)
    chosen = level["algorithms"][wildcards.algorithm]
    extra = {"vectors": level["ks"][1]} if chosen.name == "spectral" else {}
    purpose = f"cluster/{wildcards.dataset}/{wildcards.node}/{wildcards.algorithm}"
    return {
        "algorithm": chosen.name,
        "ks": [int(k) for k in wildcards.block.removeprefix("k").split("-")],
        "seed": derive_seed(PLAN.config.seed, purpose),
        "parameters": chosen.parameters | extra,
    }


def label_blocks(wildcards):
    """Label files of every algorithm and block of k at a node.

    Blocks end at multiples of ks_per_job, so that a wider range leaves those in its middle as they are.
    """
    level = PLAN.level(wildcards.node)
    ks = range(level["ks"][0], level["ks"][1] + 1)
    blocks = [
        list(block)
        for _, block in groupby(ks, lambda k: (k - 1) // GROUPING.ks_per_job)
    ]
    folder = NODE.format(**wildcards)
    return [
        f"{folder}/{wildcards.encoder}/labels/{algorithm}/k{block[0]:03d}-{block[-1]:03d}.h5"
        for algorithm in level["algorithms"]
        for block in blocks
    ]


def per_encoder(file):
    """Input function: one file of every encoder at a node."""

    def files(wildcards):
        folder = NODE.format(**wildcards)
        return [
            f"{folder}/{id}/{file}" for id in PLAN.level(wildcards.node)["encoders"]
        ]

    return files


def selection_tables(wildcards):
    """Scores of every encoder at a node; without near-labels where the choice needs none."""
    by_labels = PLAN.level(wildcards.node)["criterion"] in LABEL_BASED
    chosen = wildcards.node in GROUPING.choose
    return per_encoder("scores.csv" if by_labels and not chosen else "quality.csv")(
        wildcards
    )


def per_encoder_labels(wildcards):
    """Label files of every encoder, algorithm and block of k at a node."""
    return [
        file
        for id in PLAN.level(wildcards.node)["encoders"]
        for file in label_blocks(Wildcards(wildcards, encoder=id))
    ]


def choice(wildcards):
    chosen = GROUPING.choose.get(wildcards.node)
    return None if chosen is None else chosen.model_dump()


def split_nodes(table):
    """Nodes that a table of a level says are clustered."""
    with open(table, encoding="utf-8", newline="") as opened:
        return [row["node"] for row in csv.DictReader(opened) if row["split"] == "True"]


def level_table(dataset, level):
    return f"results/{PLAN.config.run}/{dataset}/grouping/levels/{level}.csv"


def clustered_nodes(dataset, last_level=PLAN.last_level):
    """Nodes of a data set that are clustered, down to a level; where the tree grows by itself, once it has grown."""
    if PLAN.grows and last_level:
        grown = checkpoints.plan_level.get(
            run=PLAN.config.run, dataset=dataset, level=last_level - 1
        )
        return split_nodes(grown.output.table)
    return ["root"] if PLAN.grows else PLAN.named


def per_node(pattern, where=lambda node: True):
    """Input function: every grouped data set's and clustered node's file, by a pattern with {dataset} and {node}."""

    def files(wildcards):
        return [
            f"results/{PLAN.config.run}/{pattern.format(dataset=name, node=node)}"
            for name in GROUPING.datasets
            for node in clustered_nodes(name)
            if where(node)
        ]

    return files


def per_node_of_dataset(file):
    """Input function: one file of every clustered node of a data set."""

    def files(wildcards):
        folder = f"results/{wildcards.run}/{wildcards.dataset}/grouping"
        return [
            f"{folder}/{node}/{file}" for node in clustered_nodes(wildcards.dataset)
        ]

    return files


def per_dataset(pattern):
    return [
        f"results/{PLAN.config.run}/{pattern.format(dataset=name)}"
        for name in GROUPING.datasets
    ]


def per_classification(pattern):
    """Every data set's and classification's file, by a pattern with {dataset}, {node} and {target}."""
    return [
        f"results/{PLAN.config.run}/{pattern.format(dataset=name, node=node, target=target)}"
        for name in GROUPING.datasets
        for node, target in PLAN.classifications
    ]


def grouped_features():
    """Features of every grouped data set and encoder."""
    return [
        f"results/{PLAN.config.run}/{name}/features/{id}.h5"
        for name in GROUPING.datasets
        for id in PLAN.encoders
    ]


def per_node_encoder(pattern):
    """Input function: every grouped data set's, clustered node's and encoder's file, by a pattern with all three."""

    def files(wildcards):
        return [
            f"results/{PLAN.config.run}/{pattern.format(dataset=name, node=node, encoder=id)}"
            for name in GROUPING.datasets
            for node in clustered_nodes(name)
            for id in PLAN.level(node)["encoders"]
        ]

    return files


# Growing the tree


def level_nodes(file):
    """Input function: one file of every node that is clustered at a level."""

    def files(wildcards):
        level = int(wildcards.level)
        folder = f"results/{wildcards.run}/{wildcards.dataset}/grouping"
        return [
            f"{folder}/{node}/{file}"
            for node in clustered_nodes(wildcards.dataset, level)
            if node.count(".") == level
        ]

    return files


def level_reduced(wildcards):
    """Reduced features of every node that is clustered at a level, by every encoder."""
    level = int(wildcards.level)
    folder = f"results/{wildcards.run}/{wildcards.dataset}/grouping"
    return [
        f"{folder}/{node}/{id}/reduced.h5"
        for node in clustered_nodes(wildcards.dataset, level)
        if node.count(".") == level
        for id in PLAN.level(node)["encoders"]
    ]


def level_above(wildcards):
    level = int(wildcards.level)
    return [level_table(wildcards.dataset, level - 1)] if level else []


def named_below(wildcards):
    """Nodes of the next level that the config names."""
    return [node for node in PLAN.named if node.count(".") == int(wildcards.level) + 1]


def smallest_k_below(wildcards):
    """Smallest number of clusters that the next level tries."""
    return PLAN.levels[min(int(wildcards.level) + 1, len(PLAN.levels) - 1)]["ks"][0]


# What the user names


def overlap_wanted(wildcards):
    """Smallest overlap of a node that the user has named with its images of then; empty for others, which a tree grew."""
    return str(GROUPING.min_overlap) if wildcards.node in PLAN.named else ""


def names_file(wildcards):
    """The user's names for the groups of a data set, if any."""
    names = GROUPING.names.get(wildcards.dataset)
    return [names] if names else []


def linkages(node):
    """Linkage of each agglomerative algorithm at a node's level, by id."""
    return {
        id: algorithm.parameters["linkage"]
        for id, algorithm in PLAN.level(node)["algorithms"].items()
        if algorithm.name == "agglomerative"
    }


def merged_neighbors(node):
    """Neighbours of each agglomerative algorithm at a node's level that merges along their graph, by id."""
    return {
        id: algorithm.parameters["n_neighbors"]
        for id, algorithm in PLAN.level(node)["algorithms"].items()
        if algorithm.name == "agglomerative"
        and algorithm.parameters["connectivity"] == "nearest_neighbors"
    }


# Models on top of the clusters


def classification(wildcards):
    """Models that learn a node's clusters or near-labels, and how they are judged."""
    chosen = PLAN.classifications[wildcards.node, wildcards.target]
    models = [model.model_dump() | {"id": id} for id, model in chosen["models"].items()]
    return chosen | {"models": models}


def classified_encoders(wildcards):
    """What each encoder that may have won the node's features depend on, for new images."""
    return {
        id: {
            **PLAN.encoders[id].model_dump(exclude=RUNTIME_KEYS),
            "seed": encoder_seed(Wildcards({}, encoder=id)),
        }
        for id in PLAN.candidates(wildcards.node)
    }
