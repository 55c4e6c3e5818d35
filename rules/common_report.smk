# Functions that the rules of the report take their inputs and params from.


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


def learning_settings():
    """What the report says of how the models were trained."""
    size = PLAN.network.image_size
    shown = {
        "network": PLAN.network.name,
        "weights": PLAN.network.weights,
        "geometry": PLAN.network.geometry,
        "image_size": (
            "the weights' own"
            if size is None
            else " × ".join(map(str, size if isinstance(size, list) else [size, size]))
        ),
        "training": LEARNING.training,
        "fine_tune": LEARNING.fine_tune,
        "batch_size": str(LEARNING.batch_size),
        "epochs": str(LEARNING.epochs),
        "optimiser": f"{LEARNING.optimiser.name}, learning rate {LEARNING.optimiser.learning_rate:g}",
        "class_weights": LEARNING.class_weights,
        "maps": LEARNING.maps.target,
        "positive": LEARNING.positive,
    }
    return shown


def shown_learning():
    """What the report shows of the learning half; None without it."""
    if not LEARNING:
        return None
    return {
        "datasets": LEARNT,
        "strategies": strategy_names(),
        "folds": LEARNING.folds,
        "settings": learning_settings(),
    }
