# Nodes that are known only when the tree has grown: functions that ask Snakemake's checkpoints.

import csv


def split_nodes(table):
    """Nodes that a table of a level says are clustered."""
    with open(table, encoding="utf-8", newline="") as opened:
        return [row["node"] for row in csv.DictReader(opened) if row["split"] == "True"]


def clustered_nodes(dataset, last_level=PLAN.last_level):
    """Nodes of a data set that are clustered, down to a level; where the tree grows by itself, once it has grown."""
    if PLAN.grows and last_level:
        grown = checkpoints.plan_level.get(
            run=PLAN.config.run, dataset=dataset, level=last_level - 1
        )
        return split_nodes(grown.output.table)
    return ["root"] if PLAN.grows else PLAN.named


def per_node(pattern, names=PLAN.grouping.datasets, **fields):
    """Input function: the file of every clustered node, of every grouped data set or of some."""
    pattern = fill(pattern, run=PLAN.config.run, **fields)
    return lambda wildcards: [
        fill(pattern, dataset=name, node=node)
        for name in names
        for node in clustered_nodes(name)
    ]


def per_node_encoder(pattern):
    """Input function: the file of every encoder at every grouped data set's every clustered node."""
    pattern = fill(pattern, run=PLAN.config.run)
    return lambda wildcards: [
        fill(pattern, dataset=name, node=node, encoder=id)
        for name in PLAN.grouping.datasets
        for node in clustered_nodes(name)
        for id in PLAN.level(node).encoders
    ]


def node_figures(suffix):
    """Input function: every figure of every clustered node."""
    pattern = fill(run_files.NODE_FIGURE, run=PLAN.config.run, suffix=suffix)
    return lambda wildcards: [
        fill(pattern, dataset=name, node=node, kind=kind)
        for name in PLAN.grouping.datasets
        for node in clustered_nodes(name)
        for kind in reporting.node_figures(PLAN, node)
    ]


def per_encoder(pattern):
    """Input function: one file of every encoder at a node."""
    return lambda w: grouping.per_encoder(PLAN, pattern, w.dataset, w.node)


def per_node_of_dataset(pattern):
    """Input function: the file of a data set's every clustered node."""
    pattern = fill(pattern, run=PLAN.config.run)
    return lambda wildcards: [
        fill(pattern, dataset=wildcards.dataset, node=node)
        for node in clustered_nodes(wildcards.dataset)
    ]


def level_nodes(wildcards):
    """Nodes that are clustered at a level."""
    level = int(wildcards.level)
    nodes = clustered_nodes(wildcards.dataset, level)
    return [node for node in nodes if grouping.level_of(node) == level]


def per_level_node(pattern):
    """Input function: the file of every node that is clustered at a level."""
    pattern = fill(pattern, run=PLAN.config.run)
    return lambda wildcards: [
        fill(pattern, dataset=wildcards.dataset, node=node)
        for node in level_nodes(wildcards)
    ]


def level_reduced(wildcards):
    """Reduced features of every node that is clustered at a level, by every encoder."""
    return [
        file
        for node in level_nodes(wildcards)
        for file in grouping.per_encoder(
            PLAN, run_files.REDUCED, wildcards.dataset, node
        )
    ]


def level_above(wildcards):
    """The table of the level above, below the root's."""
    level = int(wildcards.level)
    places = {"run": PLAN.config.run, "dataset": wildcards.dataset}
    return [fill(run_files.LEVELS, **places, level=level - 1)] if level else []
