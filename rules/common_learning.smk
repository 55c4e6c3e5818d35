# Functions and constants that the rules of active learning take their inputs and params from.

from nearlabel.config.learning import FULL_POOL

LEARNING = PLAN.learning
LEARNT = LEARNING.datasets if LEARNING else []
CUTOFFS = ("best", "knee", "best_until_knee")


wildcard_constraints:
    strategy="|".join(PLAN.strategies) or "none",
    fold=r"\d+",
    size=r"\d+(x\d+)?|own",


# Network


def network(wildcards):
    """What the network's numbers depend on."""
    return PLAN.network.model_dump(exclude=RUNTIME_KEYS)


def placed_network(wildcards):
    """What the decoded images depend on."""
    return {
        key: network(wildcards)[key]
        for key in ("name", "weights", "geometry", "image_size")
    }


def network_files(wildcards):
    """The user's own file with the network's weights, if it is one."""
    chosen = PLAN.network.weights
    return [chosen] if chosen.endswith((".pth", ".pt")) else []


def learning_threads(wildcards):
    return PLAN.network.threads


# Where a job runs and finds its weights changes no number: not among the params, whose change would rerun it.
LEARNING_RESOURCES = {
    "gpu": lambda w: gpus(PLAN.network),
    "device": lambda w: PLAN.network.device,
    "weights_dir": lambda w: PLAN.network.weights_dir or "",
    "weights_mirror": lambda w: PLAN.network.weights_mirror or "",
}


def decoded_images(wildcards):
    """Decoded images of a data set, by the size of the network's input."""
    size = PLAN.network.image_size
    name = "x".join(map(str, size)) if isinstance(size, list) else size or "own"
    return f"results/{wildcards.run}/{wildcards.dataset}/images/{name}.h5"


def learnt_values(wildcards):
    """What training starts from: images, or what the frozen stages made of them."""
    if LEARNING.fine_tune == "full":
        return decoded_images(wildcards)
    return f"results/{wildcards.run}/{wildcards.dataset}/learning/frozen.h5"


FOLD_INPUT = {
    "values": learnt_values,
    "folds": "results/{run}/{dataset}/learning/folds.csv",
    "manifest": "results/{run}/{dataset}/manifest.csv",
    "own": network_files,
}


# Experiment


def fold_seed(wildcards):
    return derive_seed(
        PLAN.config.seed, f"learning/{wildcards.dataset}/fold{wildcards.fold}"
    )


def learnt_fold(wildcards):
    """What a fold and its classifier are made of."""
    return {
        "positive": LEARNING.positive,
        "network": network(wildcards),
        "fine_tune": LEARNING.fine_tune,
        "seed": derive_seed(fold_seed(wildcards), "head"),
        "weights_seed": weights_seed(PLAN.network),
    }


TRAINING_KEYS = {
    "epochs",
    "minibatch_size",
    "optimiser",
    "class_weights",
    "augmentation",
    "maps",
}


def training_settings(keys):
    return LEARNING.model_dump(include=TRAINING_KEYS | keys) | {
        "evaluation_batch_size": PLAN.network.batch_size
    }


def round_settings(wildcards):
    """How the rounds of a run are trained and evaluated."""
    return training_settings({"training", "batch_size", "evaluate_every"})


def retrain_settings(wildcards):
    """How fresh models are trained."""
    return training_settings({"retrain"})


def query_strategy(wildcards):
    return PLAN.strategies[wildcards.strategy].model_dump(exclude={"id"})


# What summaries read


def per_learnt(pattern):
    """Every learnt data set's file, by a pattern with {dataset}."""
    return [
        f"results/{PLAN.config.run}/{pattern.format(dataset=name)}" for name in LEARNT
    ]


def fold_files(dataset, strategies=tuple(PLAN.strategies)):
    """Every file of a data set's folds that a summary reads."""
    if not LEARNING:
        return []
    folder = f"results/{PLAN.config.run}/{dataset}/learning"
    kinds = ["rounds.csv", "queries.csv", "choices.json", "knees.json"]
    kinds += [f"batch_{cutoff}.json" for cutoff in CUTOFFS]
    return [
        f"{folder}/folds.csv",
        *(f"{folder}/{FULL_POOL}/fold{i}.json" for i in range(LEARNING.folds)),
        *(
            f"{folder}/{strategy}/fold{i}/{kind}"
            for strategy in strategies
            for i in range(LEARNING.folds)
            for kind in kinds
        ),
    ]


def learnt_files():
    """Every file of all folds of all learnt data sets."""
    return [file for name in LEARNT for file in fold_files(name)]


def strategy_names():
    """Strategy of each id."""
    return {id: strategy.name for id, strategy in PLAN.strategies.items()}


LEARNING_TABLES = (
    "table1",
    "table1_ap",
    "table2",
    "table3",
    "table3_ap",
    "knees",
    "statistics",
    "comparisons",
    "wins",
    "published",
)


def learning_tables():
    """Tables over all learnt data sets."""
    return [
        f"results/{{run}}/tables/{table}.{suffix}"
        for table in LEARNING_TABLES
        for suffix in ("csv", "md", "tex")
    ]


def run_learning_tables():
    """Those of this run; none where nothing is learnt."""
    run = PLAN.config.run
    return [table.format(run=run) for table in learning_tables()] if LEARNING else []


def learning_figures(suffix):
    return [
        file
        for kind in ("learning", "strategies")
        for file in per_learnt(f"figures/{{dataset}}_{kind}{suffix}")
    ]
