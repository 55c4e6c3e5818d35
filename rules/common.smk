"""The plan of this run, and the functions that rules take their inputs and params from."""

import ast
import csv
import hashlib
import math
import os
import sys
from functools import cache
from itertools import groupby
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

LIBRARY = Path(workflow.basedir) / "workflow_scripts"
sys.path.insert(0, str(LIBRARY))
# Scripts import the library from this checkout, whose files are their rules' inputs, whatever is installed.
os.environ |= {
    "PYTHONPATH": os.pathsep.join(filter(None, [str(LIBRARY), os.getenv("PYTHONPATH")]))
}

from nearlabel.config import LABEL_BASED, WINNER, ConfigError, hash_config
from nearlabel.grouping.limits import MOST_FACTORED
from nearlabel.images.listing import fingerprint_listing
from nearlabel.plan import plan_run
from nearlabel.seeds import derive_seed

try:
    PLAN = plan_run(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# A job that Snakemake starts elsewhere reads the config file again: it must say what it said when the run began.
if workflow.is_main_process:
    os.environ["NEARLABEL_CONFIG_HASH"] = hash_config(PLAN.config)
elif os.environ.get("NEARLABEL_CONFIG_HASH") != hash_config(PLAN.config):
    raise WorkflowError(
        f"config of run '{PLAN.config.run}' changed while the run was going; "
        "start snakemake again to run with the new one"
    )

# Snakemake takes a missing input for granted where its output is there.
for key, file in PLAN.own_files():
    if not Path(file).is_file():
        raise WorkflowError(
            f"config: {key}: {file} does not exist; write it or correct its path"
        )


envvars:
    "NEARLABEL_CONFIG_HASH",


wildcard_constraints:
    run=PLAN.config.run,
    dataset="|".join(PLAN.config.datasets),
    node=r"root(\.\d+)*",
    encoder="|".join([*PLAN.encoders, WINNER]),
    algorithm="|".join(
        dict.fromkeys(id for level in PLAN.levels for id in level["algorithms"])
    ),
    block=r"k\d\d\d+-\d\d\d+",
    level=r"\d+",
    target="clusters|near_labels",


# Library modules


def module_file(module):
    """File of a library module or package, None for a name that is neither."""
    stem = LIBRARY / Path(*module.split("."))
    for file in (stem.with_suffix(".py"), stem / "__init__.py"):
        if file.is_file():
            return file


@cache
def imported_modules(file):
    """Names of the library modules that one file imports, packages on the way included."""
    names = set()
    for statement in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names.add(statement.module)
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    names = {name for name in names if name.split(".")[0] == "nearlabel"}
    names |= {name.rpartition(".")[0] for name in names if "." in name}
    return {name for name in names if module_file(name)}


def script_file(rule_name):
    """A rule's script, an input of it."""
    return os.path.relpath(LIBRARY / f"{rule_name}.py")


def library_hash(rule_name):
    """Hash of every library module that a rule's script imports, directly or not: a param, whose change reruns the rule.

    As inputs, some twenty a job, they would fill each job's listing and take a fifth of the time of a plan. `logs` is
    exempt: it changes no result.
    """
    found, waiting = set(), imported_modules(LIBRARY / f"{rule_name}.py")
    while waiting:
        found |= waiting
        waiting = (
            set().union(*(imported_modules(module_file(name)) for name in waiting))
            - found
        )
    digest = hashlib.sha256()
    for name in sorted(found - {"nearlabel.logs"}):
        digest.update(name.encode())
        digest.update(module_file(name).read_bytes())
    return digest.hexdigest()


# Data sets


def chosen_dataset(wildcards):
    return PLAN.config.datasets[wildcards.dataset]


DATASET_KEYS = {"near_labels", "sample", "min_accepted", "max_pixels"}


def synthetic_strips(wildcards):
    """How the strips of a synthetic data set are drawn."""
    return chosen_dataset(wildcards).model_dump(exclude=DATASET_KEYS | {"kind"})


def reader_spec(wildcards):
    """What the reader needs to know of a data set."""
    chosen = chosen_dataset(wildcards)
    if chosen.kind == "synthetic":
        folder = f"results/{PLAN.config.run}/{wildcards.dataset}"
        return {
            "kind": "synthetic",
            "root": f"{folder}/synthetic",
            "table": f"{folder}/synthetic.csv",
        }
    return chosen.model_dump(exclude=DATASET_KEYS)


def reader_input(wildcards):
    """Files of a data set that this workflow makes itself; the user's own count by their listing."""
    spec = reader_spec(wildcards)
    return [spec["table"]] if spec["kind"] == "synthetic" else []


def reader_listing(wildcards):
    spec = reader_spec(wildcards)
    return None if spec["kind"] == "synthetic" else fingerprint_listing(spec)


def sample(wildcards):
    """The sample to draw; near-labels belong to it only when it balances them."""
    chosen = chosen_dataset(wildcards)
    if chosen.sample is None:
        return None
    return {
        "n": chosen.sample.n,
        "near_labels": chosen.near_labels if chosen.sample.balance else None,
        "balance": chosen.sample.balance,
        "seed": derive_seed(PLAN.config.seed, f"sample/{wildcards.dataset}"),
    }


def near_labels_file(wildcards):
    near_labels = chosen_dataset(wildcards).near_labels
    return [near_labels] if isinstance(near_labels, str) else []


def sample_labels_file(wildcards):
    drawn = sample(wildcards)
    return near_labels_file(wildcards) if drawn and drawn["balance"] else []


# Encoders


RUNTIME_KEYS = {"weights_dir", "weights_mirror", "workers", "device"}


def encoder(wildcards):
    """What an encoder's features depend on."""
    return PLAN.encoders[wildcards.encoder].model_dump(exclude=RUNTIME_KEYS)


def encoder_files(wildcards):
    """The user's own files that an encoder is made of: a module, a state dict."""
    chosen = PLAN.encoders[wildcards.encoder]
    own = [chosen.weights] if chosen.weights.endswith((".pth", ".pt")) else []
    return [chosen.module, *own] if chosen.module else own


def weights_seed(chosen):
    """Seed of a network's weights; None where they are not seeded."""
    if chosen.weights != "seeded":
        return None
    return derive_seed(PLAN.config.seed, f"weights/{chosen.name}")


def encoder_seed(wildcards):
    return weights_seed(PLAN.encoders[wildcards.encoder])


# Nodes


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


class Wildcards(dict):
    """Wildcards of a rule with one more, readable as attributes."""

    __getattr__ = dict.__getitem__

    def __init__(self, wildcards, **more):
        super().__init__(wildcards.items(), **more)


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


def node_figures(suffix):
    """Input function: every figure of every clustered node."""
    patterns = {
        f"figures/{{dataset}}_{{node}}_{kind}{suffix}": lambda node: True
        for kind in ("quality", "clusters", "near_labels", "convergence", "algorithms")
    }
    patterns[f"figures/{{dataset}}_{{node}}_dendrogram{suffix}"] = linkages

    def files(wildcards):
        return [
            file
            for pattern, where in patterns.items()
            for file in per_node(pattern, where)(wildcards)
        ]

    return files


def classifier_files(wildcards):
    """What the report shows of the models on top of the clusters."""
    if not PLAN.classifications:
        return []
    folder = "{dataset}/grouping/{node}/classifiers/{target}"
    figures = "figures/{dataset}_{node}_{target}"
    patterns = [
        f"{folder}/summary.json",
        f"{folder}/rules.txt",
        f"{figures}_classifiers.svg",
        f"{figures}_decision_tree.svg",
    ]
    table = f"results/{PLAN.config.run}/tables/classifiers.csv"
    return [
        table,
        *(file for pattern in patterns for file in per_classification(pattern)),
    ]


def grouping_tables(suffixes=("csv", "md", "tex")):
    """Tables over all grouped data sets; none without any."""
    tables = ("grouping", "clusters", "enrichment") if GROUPING.datasets else ()
    return [
        f"results/{PLAN.config.run}/tables/{table}.{suffix}"
        for table in tables
        for suffix in suffixes
    ]


def report_templates():
    """Files that the page is made from, beside its code."""
    folder = LIBRARY / "nearlabel/report/templates"
    return [os.path.relpath(file) for file in sorted(folder.iterdir())]


# Resources: what a job asks of a cluster


def memory(base, per_input=0, of=None):
    """Input function: MB for what a job imports, Snakemake beside it included, and for its inputs, `per_input` times.

    Measured on the demo: 0.1 GB without torch, scikit-learn and matplotlib, 0.2 GB with the last two, 0.9 to 1.3 GB
    with torch; 0.2 GB for Snakemake. An attempt after a failed one asks for as much again. `of` names the inputs that
    count, where others are made in the same group: they are not there yet when the group asks.
    """
    if not per_input:
        return lambda wildcards, attempt: attempt * base

    def mem_mb(wildcards, input, attempt):
        total = sum(sum(sizes_mb(input[name])) for name in of or input.keys())
        return attempt * (base + math.ceil(per_input * total))

    return mem_mb


def sizes_mb(files):
    """Size of each file of an input, by one name or several."""
    files = [files] if isinstance(files, str) else files
    return [os.path.getsize(file) / 1e6 for file in files]


def clustering_memory(algorithms):
    """Input function: MB for clustering reduced features by any of some algorithms, whose ids a function gives.

    Agglomerative and spectral clustering hold numbers for all pairs of images.
    """

    def mem_mb(wildcards, input, attempt):
        level = PLAN.level(wildcards.node)
        size = max(sizes_mb(input.reduced))
        images = images_in(size, level["reduction"])
        chosen = [level["algorithms"][id] for id in algorithms(wildcards)]
        pairs = max(pairs_mb(algorithm, images) for algorithm in chosen)
        return attempt * math.ceil(1000 + 6 * size + pairs)

    return mem_mb


def pairs_mb(algorithm, images):
    """What an algorithm holds for all pairs of images, as measured for nearlabel/grouping/limits.py."""
    if algorithm.name not in ("agglomerative", "spectral"):
        return 0
    along_graph = "nearest_neighbors" in algorithm.parameters.values()
    most = MOST_FACTORED if along_graph else algorithm.parameters["max_images"]
    per_pair = {"agglomerative": (8, 0), "spectral": (34, 9)}[algorithm.name]
    return per_pair[along_graph] * min(images, most) ** 2 / 1e6


def images_in(size_mb, reduction):
    """About how many images a file of reduced features holds."""
    components = reduction.components
    if reduction.method == "none" or components == "min":
        components = 512  # the fewest that a network gives
    elif not isinstance(components, int):
        components = 50
    return size_mb * 1e6 / 8 / components


def minutes(count):
    """Input function: time limit in minutes, more with each attempt."""
    return lambda wildcards, attempt: attempt * count


def hours(count):
    return minutes(60 * count)


def gpus(chosen):
    """GPUs to ask for: only where the config says cuda, so that `auto` runs on clusters without any, too."""
    return int(chosen.device.startswith("cuda"))
