"""What a change would run again: change → rules, for the report. Dry runs hold the table to what Snakemake does."""

from typing import Any, NamedTuple

from nearlabel.grouping.selection.catalogue import LABEL_BASED
from nearlabel.plan.resolve import Plan

CHOICE = ("select_clustering", "judge_selection", "measure_stability")
NODE_FIGURES = (
    "plot_quality", "plot_clusters", "plot_dendrogram", "plot_agreement", "draw_contact_sheets", "draw_candidates",
)  # fmt: skip
SCORES = ("score_clusterings", "measure_agreement", "evaluate_c_score")
# What a node does before its clustering is chosen.
CLUSTERING = ("reduce_features", "cluster_images", *SCORES, "compare_encoders")
COLLECTION = (
    "plan_level", "collect_groups", "plot_tree", "tabulate_clusters", "tabulate_columns", "tabulate_grouping",
)  # fmt: skip
MODELS = ("train_models", "plot_models", "tabulate_models")
RUNS = ("run_active_learning", "find_knees", "find_stops", "retrain_batch", "draw_queries")
LEARNT = ("summarise_learning", "plot_learning", "tabulate_stopping", "plot_stopping")
READING = ("check_images", "hash_images", "assign_near_labels", "read_columns", "decode_images")
ENCODING = ("encode_part", "extract_features")
LABELLING = ("merge_answers", "choose_batch", "summarise_labelling", "write_label_page", "plot_labelling")
BUNDLE = "fit_bundle"
EXPLORED, EXPLORER = ("map_images", "measure_images"), "write_explorer"
PAGE = "write_report"


class Rerun(NamedTuple):
    """Some jobs of a rule.

    Attributes
    ----------
    rule : str
    share : float
        Which part of their time the change takes: 0 for jobs that it makes for the first time, or that find all that
        they need in the cache.
    shallowest, deepest : int
        Depths of the nodes that the jobs are of; a job that is of no node counts as the root's.
    """

    rule: str
    share: float = 1.0
    shallowest: int = 0
    deepest: int = 1000


def list_changes(plan: Plan) -> list[dict[str, Any]]:
    """List the changes that a run could have, and what each runs again.

    Parameters
    ----------
    plan : Plan

    Returns
    -------
    list of dict
        text, what changes; key, where; note, what else there is to know; reruns, a list of `Rerun` as mappings. Rules
        that the run does not have may be among them.
    """
    changes = []

    def add(text: str, key: str, reruns: list[Rerun], note: str = "") -> None:
        reruns = list(dict.fromkeys([*reruns, Rerun(PAGE)]))
        changes.append({"text": text, "key": key, "note": note, "reruns": [rerun._asdict() for rerun in reruns]})

    datasets = plan.config.datasets
    if any(dataset.kind != "synthetic" for dataset in datasets.values()):
        add("One more image", "the images", _one_more_image(), "features of images seen before come from the cache")
    if plan.grouping.datasets or plan.learning:
        add("Another near-label", "datasets.….near_labels", _near_labels(plan))
    if plan.grouping.datasets:
        named = _all("plot_clusters", "plot_dendrogram", "plot_models", *COLLECTION[:4], EXPLORER, BUNDLE)
        add("Groups get names", "grouping.names", named)
        choosing = _chosen_again(plan, 0)
        add("Another clustering of root, by hand", "grouping.choose", choosing)
        add("Another criterion at level 0", "grouping.levels.0.criterion", choosing)
        more = [*_some(0, 0, 0, "cluster_images"), *_all(*SCORES, "compare_encoders"), *choosing]
        add("More numbers of clusters at level 0", "grouping.levels.0.ks", more, "and the clusterings of the new k")
        add("One more encoder", "grouping.levels.0.encoders", _one_more_encoder(plan))
    if plan.learning:
        runs = [Rerun(rule, 1 / len(plan.strategies)) for rule in RUNS]
        add("One more strategy", "learning.strategies", [*runs, *_all(*LEARNT, EXPLORER)])
        add("Another number of folds", "learning.folds", _learnt_again())
    if plan.labelling:
        made = [BUNDLE] if plan.production else []
        add("More labels", "the labels", _all(*LABELLING, *_shown_in(plan, plan.labelled), *made))
    elif plan.production:
        add("More labels", "the labels", _all(BUNDLE), "and a new bundle, which waits until it is put in use")
    return changes


def _shown_in(plan: Plan, names) -> list[str]:
    """The explorer, where a data set of these has one."""
    return [EXPLORER] if set(names) & set(plan.grouping.datasets) else []


def _all(*rules: str) -> list[Rerun]:
    return [Rerun(rule) for rule in rules]


def _some(share: float, shallowest: int, deepest: int, *rules: str) -> list[Rerun]:
    return [Rerun(rule, share, shallowest, deepest) for rule in rules]


def _chosen_again(plan: Plan, depth: int) -> list[Rerun]:
    """Nodes of a depth are chosen again, and those below, which cluster their members, made again."""
    modelled = any(node.count(".") >= depth for node, _ in plan.classifications)
    return [
        *_some(1, depth, 1000, *CHOICE, *NODE_FIGURES, *EXPLORED),
        *_some(1, depth + 1, 1000, *CLUSTERING),
        *_all(*COLLECTION, *(MODELS if modelled else ()), EXPLORER, BUNDLE),
        # They rest on the encoder that the root's choice has.
        *_all(*(() if depth else ("find_suspects",))),
    ]


def _one_more_image() -> list[Rerun]:
    everything = (
        *READING, *CLUSTERING, *CHOICE, *NODE_FIGURES, *COLLECTION, *MODELS, "encode_frozen_stages", "split_folds",
        "train_full_pool", *RUNS, *LEARNT, *LABELLING, *EXPLORED, "find_suspects", "draw_thumbnails", EXPLORER,
        BUNDLE,
    )  # fmt: skip
    return [*_all(*everything), *_some(0, 0, 1000, *ENCODING)]


def _near_labels(plan: Plan) -> list[Rerun]:
    reruns = _all("assign_near_labels")
    if plan.grouping.datasets:
        reruns += _all("evaluate_c_score", "judge_selection", "plot_clusters", "plot_dendrogram", "plot_agreement")
        reruns += _all(*COLLECTION, "find_suspects", EXPLORER, BUNDLE)
        if any(target == "near_labels" for _, target in plan.classifications):
            reruns += _all(*MODELS)
        choosing = [
            node.count(".")
            for node in plan.named
            if plan.level(node).criterion in LABEL_BASED and node not in plan.grouping.choose
        ]
        again = _chosen_again(plan, min(choosing)) if choosing else []
        known = {rerun.rule for rerun in reruns}
        reruns += [rerun for rerun in again if rerun.rule not in known]
    return reruns + (_learnt_again() if plan.learning else [])


def _learnt_again() -> list[Rerun]:
    return _all("split_folds", "train_full_pool", *RUNS, *LEARNT, EXPLORER)


def _one_more_encoder(plan: Plan) -> list[Rerun]:
    share = 1 / len(plan.levels[0].encoders)
    choosing = _chosen_again(plan, 0)
    return [
        *_some(share, 0, 0, *ENCODING, "reduce_features", "cluster_images", *SCORES),
        *_some(1, 0, 0, "compare_encoders"),
        *choosing,
    ]
