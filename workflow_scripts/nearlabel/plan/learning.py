"""What the rules of active learning take from the plan: folds, training, strategies, files of a run."""

from typing import Any

from nearlabel.learning.stopping.needs import asks_for_probabilities
from nearlabel.plan.levels import bits_apart
from nearlabel.plan.networks import network, weights_seed
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import (
    BATCH,
    CHOICES,
    CUTOFFS,
    FOLDS,
    FULL_POOL,
    KNEES,
    LEARNING_STATE,
    NEAR_LABELS,
    PROBABILITIES,
    QUERIES,
    ROUNDS,
    STOPS,
    fill,
)
from nearlabel.seeds import derive_seed

TRAINING_KEYS = {"epochs", "minibatch_size", "optimiser", "class_weights", "augmentation", "maps"}


def learnt_datasets(plan: Plan) -> list[str]:
    """Data sets that are learnt from."""
    return plan.learning.datasets if plan.learning else []


def per_learnt(plan: Plan, pattern: str, **fields: str) -> list[str]:
    """Every learnt data set's file."""
    return [fill(pattern, run=plan.config.run, dataset=name, **fields) for name in learnt_datasets(plan)]


def fold_files(plan: Plan, dataset: str) -> list[str]:
    """Every file of a data set's folds that a summary reads."""
    if not plan.learning:
        return []
    places, folds = {"run": plan.config.run, "dataset": dataset}, range(plan.learning.folds)
    kinds = [ROUNDS, QUERIES, CHOICES, KNEES, *(fill(BATCH, cutoff=cutoff) for cutoff in CUTOFFS)]
    return [
        fill(FOLDS, **places),
        *(fill(FULL_POOL, **places, fold=fold) for fold in folds),
        *(
            fill(kind, **places, strategy=strategy, fold=fold)
            for strategy in plan.strategies
            for fold in folds
            for kind in kinds
        ),
    ]


def learnt_files(plan: Plan) -> list[str]:
    """Every file of all folds of all learnt data sets."""
    return [file for name in learnt_datasets(plan) for file in fold_files(plan, name)]


def strategy_names(plan: Plan) -> dict[str, str]:
    """Strategy of each id."""
    return {id: strategy.name for id, strategy in plan.strategies.items()}


def learnt_kinds(plan: Plan) -> dict[str, str]:
    """Kind of each learnt data set."""
    return {name: plan.config.datasets[name].kind for name in learnt_datasets(plan)}


def count_folds(plan: Plan) -> int:
    """How many folds there are; none where nothing is learnt."""
    return plan.learning.folds if plan.learning else 0


def positive_label(plan: Plan) -> str:
    """The near-label that counts as defective."""
    return plan.learning.positive


def splitting(plan: Plan, dataset: str) -> dict[str, Any]:
    """How the folds are split."""
    chosen = {
        "positive": plan.learning.positive,
        "folds": plan.learning.folds,
        "distance": bits_apart(plan.learning.duplicate_distance),
        "seed": derive_seed(plan.config.seed, f"folds/{dataset}"),
    }
    # Stratified folds were there before there were others: theirs stay what they are.
    return chosen if plan.learning.stratified else chosen | {"stratified": False}


def fold_wildcard(plan: Plan) -> list[str]:
    """Wildcard of a job that learns, besides data set and strategy: ``fold``, or none where one job does all folds."""
    learning = plan.learning
    if not learning:
        return ["fold"]
    # Where only the last layer is trained, a job starts longer than it learns.
    per_strategy = learning.fine_tune == "head" if learning.job_per == "auto" else learning.job_per == "strategy"
    return [] if per_strategy else ["fold"]


def job_files(plan: Plan, pattern: str) -> list[str]:
    """Patterns of one kind of file that a job has for its fold, or for each of all folds."""
    return [pattern] if fold_wildcard(plan) else [fill(pattern, fold=fold) for fold in range(plan.learning.folds)]


def learnt_folds(plan: Plan) -> dict[str, Any]:
    """What folds and their classifier are made of, but for seeds."""
    return {
        "positive": plan.learning.positive,
        "network": network(plan),
        "fine_tune": plan.learning.fine_tune,
        "weights_seed": weights_seed(plan, plan.network),
    }


def head_seeds(plan: Plan, dataset: str) -> list[int]:
    """Seed of the last layer's first weights for each of all folds: either kind of job has the same params."""
    return [derive_seed(seed, "head") for seed in fold_seeds(plan, dataset)]


def fold_seeds(plan: Plan, dataset: str) -> list[int]:
    """Seed of each fold, the same for every strategy."""
    return [derive_seed(plan.config.seed, f"learning/{dataset}/fold{fold}") for fold in range(plan.learning.folds)]


def query_seeds(plan: Plan, dataset: str, strategy: str) -> list[int]:
    """Seeds of a strategy's random choices on each fold."""
    return [derive_seed(seed, f"query/{strategy}") for seed in fold_seeds(plan, dataset)]


def state_folders(plan: Plan, dataset: str, strategy: str) -> list[str]:
    """Where a strategy keeps its state on each fold until its job has ended."""
    places = {"run": plan.config.run, "dataset": dataset, "strategy": strategy}
    return [fill(LEARNING_STATE, **places, fold=fold) for fold in range(plan.learning.folds)]


def frozen_stages(plan: Plan) -> dict[str, Any]:
    """What the outputs of the frozen stages depend on."""
    return {
        "network": network(plan),
        "fine_tune": plan.trained.fine_tune,
        "weights_seed": weights_seed(plan, plan.network),
    }


def round_settings(plan: Plan) -> dict[str, Any]:
    """How the rounds of a run are trained and evaluated."""
    return _settings(plan, {"training", "batch_size", "evaluate_every"})


def retrain_settings(plan: Plan) -> dict[str, Any]:
    """How fresh models are trained."""
    return _settings(plan, {"retrain"})


def _settings(plan: Plan, keys: set[str]) -> dict[str, Any]:
    chosen = plan.learning.model_dump(include=TRAINING_KEYS | keys)
    return chosen | {"evaluation_batch_size": plan.network.batch_size}


def query_strategy(plan: Plan, strategy: str) -> dict[str, Any]:
    """A strategy's name and parameters."""
    return plan.strategies[strategy].model_dump(exclude={"id"})


def knee_settings(plan: Plan) -> dict[str, Any]:
    """How the knee is found."""
    return plan.learning.knee.model_dump()


def stopping_rules(plan: Plan) -> list[dict[str, Any]]:
    """Stopping rules that are compared: id, name and parameters of each."""
    return [rule.model_dump() for rule in plan.rules.values()]


def kept_probabilities(plan: Plan) -> list[str]:
    """Patterns of the probabilities that a job keeps of its folds; none where no stopping rule looks at them."""
    asked = any(asks_for_probabilities(rule.name) for rule in plan.rules.values())
    return job_files(plan, PROBABILITIES) if asked else []


def stopping_settings(plan: Plan) -> dict[str, Any]:
    """What the stops of a run depend on, but for seeds."""
    learning = plan.learning
    return {
        "rules": stopping_rules(plan),
        "positive": learning.positive,
        "batch_size": learning.batch_size,
        "drawn": "stratified" if learning.stratified else "uniform",
    }


def stop_seeds(plan: Plan, dataset: str) -> list[int]:
    """Seed of the audits on each of all folds, the same for every strategy."""
    return [derive_seed(seed, "stopping") for seed in fold_seeds(plan, dataset)]


def stop_files(plan: Plan, dataset: str) -> list[str]:
    """Where each strategy could have stopped on each fold of a data set; none where no stopping rule is asked for."""
    if not plan.rules:
        return []
    places = {"run": plan.config.run, "dataset": dataset}
    return [
        fill(STOPS, **places, strategy=strategy, fold=fold)
        for strategy in plan.strategies
        for fold in range(plan.learning.folds)
    ]


def targets_known_by(plan: Plan, dataset: str) -> list[str]:
    """Files of a data set that say when a recall was truly reached: folds, near-labels, rounds."""
    places = {"run": plan.config.run, "dataset": dataset}
    return [
        fill(FOLDS, **places),
        fill(NEAR_LABELS, **places),
        *(
            fill(ROUNDS, **places, strategy=strategy, fold=fold)
            for strategy in plan.strategies
            for fold in range(count_folds(plan))
        ),
    ]


def stopped_files(plan: Plan) -> list[str]:
    """Those of all learnt data sets."""
    return [file for name in learnt_datasets(plan) for file in stop_files(plan, name)]
