"""What the rules of the report take from the plan."""

import pytest

from nearlabel.plan import plan_run
from nearlabel.plan.report import contents as report
from nearlabel.report.catalogue import NODE_FIGURES

EVERY_NODE = list(NODE_FIGURES)
LEARNING_TABLES = [
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
]
TILES = {"kind": "image_folder", "root": "data"}


def plan_of(**halves):
    datasets = {"steel": {"kind": "synthetic"}, "tiles": TILES}
    return plan_run({"run": "demo", "datasets": datasets} | halves)


def grouped(*levels, **keys):
    levels = levels or ({"algorithms": ["kmeans"]},)
    first, *others = levels
    return plan_of(
        grouping={"datasets": ["steel", "tiles"], "levels": [{"encoders": ["texture"]} | first, *others]} | keys
    )


def learnt(**keys):
    return plan_of(learning={"datasets": ["steel", "tiles"]} | keys)


def test_a_node_has_a_dendrogram_where_its_level_merges():
    plan = grouped({"algorithms": ["agglomerative", "kmeans"]}, {"algorithms": ["kmeans"]})
    assert report.node_figures(plan, "root") == [*EVERY_NODE, "dendrogram"]
    assert report.node_figures(plan, "root.1") == EVERY_NODE


def test_every_data_set_has_a_ledger_and_its_near_duplicates_are_listed():
    both = {
        "grouping": {"datasets": ["tiles"], "levels": [{"encoders": ["texture"]}]},
        "learning": {"datasets": ["steel"]},
    }
    plan = plan_of(**both)
    for files, name in ((report.ledgers, "ledger"), (report.near_duplicates, "near_duplicates")):
        assert files(plan) == [f"results/demo/tiles/{name}.csv", f"results/demo/steel/{name}.csv"]
        assert files(grouped()) == [f"results/demo/steel/{name}.csv", f"results/demo/tiles/{name}.csv"]


def test_tables_of_grouping_come_in_the_formats_asked_for():
    plan = grouped()
    assert report.grouping_tables(plan) == [
        f"results/demo/tables/{table}.{suffix}"
        for table in ("grouping", "clusters", "enrichment")
        for suffix in ("csv", "md", "tex")
    ]
    assert report.with_columns(plan) == report.columns_files(plan) == []
    assert report.grouping_tables(plan, ("csv",)) == [
        "results/demo/tables/grouping.csv",
        "results/demo/tables/clusters.csv",
        "results/demo/tables/enrichment.csv",
    ]


def test_tables_of_extra_columns_are_there_where_a_data_set_has_some():
    csv = {"kind": "csv", "file": "tiles.csv"}
    datasets = {"steel": {"kind": "synthetic"}, "tiles": csv | {"extra_columns": ["machine"]}, "plain": csv}
    grouping = {"datasets": list(datasets), "levels": [{"encoders": ["texture"]}]}
    plan = plan_run({"run": "demo", "datasets": datasets, "grouping": grouping})
    assert report.with_columns(plan) == ["tiles"]
    assert report.columns_files(plan) == ["results/demo/tiles/columns.csv"]
    tables = [f"results/demo/tables/{table}.csv" for table in ("columns", "column_enrichment")]
    assert report.grouping_tables(plan, ("csv",))[3:] == tables


def test_tables_of_learning_come_in_every_format():
    names = [f"{table}.{suffix}" for table in LEARNING_TABLES for suffix in ("csv", "md", "tex")]
    assert report.learning_tables() == [f"results/{{run}}/tables/{name}" for name in names]
    assert report.run_learning_tables(learnt()) == [f"results/demo/tables/{name}" for name in names]


def test_figures_of_learning_come_for_every_data_set():
    assert report.learning_figures(learnt(), "png") == [
        "results/demo/figures/steel_learning.png",
        "results/demo/figures/tiles_learning.png",
        "results/demo/figures/steel_strategies.png",
        "results/demo/figures/tiles_strategies.png",
    ]


def test_where_nothing_is_learnt_the_report_shows_nothing_of_it():
    plan = grouped()
    assert report.run_learning_tables(plan) == report.learning_figures(plan, "svg") == []
    assert report.shown_learning(plan) is None


def test_where_nothing_is_grouped_the_report_shows_nothing_of_it():
    plan = learnt()
    assert report.grouping_tables(plan) == report.model_files(plan) == []
    assert report.grouped_kinds(plan) == {}


def test_the_report_shows_every_classification():
    plan = grouped(datasets=["steel"], classify=[{"target": "near_labels"}, {"target": "clusters"}])
    assert report.model_files(plan) == [
        "results/demo/tables/models.csv",
        "results/demo/steel/grouping/root/models/near_labels/summary.json",
        "results/demo/steel/grouping/root/models/clusters/summary.json",
        "results/demo/steel/grouping/root/models/near_labels/rules.txt",
        "results/demo/steel/grouping/root/models/clusters/rules.txt",
        "results/demo/figures/steel_root_near_labels_models.svg",
        "results/demo/figures/steel_root_clusters_models.svg",
        "results/demo/figures/steel_root_near_labels_decision_tree.svg",
        "results/demo/figures/steel_root_clusters_decision_tree.svg",
    ]


def test_without_classifications_there_is_no_table_of_models():
    assert report.model_files(grouped()) == []


def test_the_report_knows_the_kinds_of_data_sets():
    assert report.grouped_kinds(grouped()) == {"steel": "synthetic", "tiles": "image_folder"}
    assert report.grouped_kinds(grouped(datasets=["tiles"])) == {"tiles": "image_folder"}


@pytest.mark.parametrize(
    ("size", "text"), [(64, "64 × 64"), ([64, 256], "64 × 256"), (None, "the weights' own")], ids=str
)
def test_the_report_says_how_the_models_were_trained(size, text):
    plan = learnt(
        datasets=["tiles"],
        positive="defect",
        encoder={"name": "resnet18", "weights": "seeded", "geometry": "official", "image_size": size},
        strategies=["random", {"id": "wide", "name": "gradcam_avg"}],
        folds=4,
        batch_size=8,
        epochs=30,
        training="warm_all",
        fine_tune="head",
        optimiser={"name": "sgd"},
        class_weights="none",
        maps={"target": "negative"},
    )
    assert report.shown_learning(plan) == {
        "datasets": ["tiles"],
        "strategies": {"random": "random", "wide": "gradcam_avg"},
        "folds": 4,
        "settings": {
            "network": "resnet18",
            "weights": "seeded",
            "geometry": "official",
            "image_size": text,
            "training": "warm_all",
            "fine_tune": "head",
            "batch_size": "8",
            "epochs": "30",
            "optimiser": "sgd, learning rate 0.001",
            "class_weights": "none",
            "maps": "negative",
            "positive": "defect",
        },
    }


def test_small_learning_rates_are_short():
    assert report.shown_learning(learnt())["settings"]["optimiser"] == "adam, learning rate 0.0001"
    tiny = report.shown_learning(learnt(optimiser={"learning_rate": 0.00002}))
    assert tiny["settings"]["optimiser"] == "adam, learning rate 2e-05"


def test_stopping_rules_have_a_table_and_a_figure_where_there_are_any():
    plan, ruled = learnt(), learnt(stopping=["budget"])
    tables = [f"results/demo/tables/stopping.{suffix}" for suffix in ("csv", "md", "tex")]
    figures = [f"results/demo/figures/{name}_stopping.svg" for name in ("steel", "tiles")]
    assert report.run_learning_tables(ruled) == [*report.run_learning_tables(plan), *tables]
    assert report.learning_figures(ruled, "svg") == [*report.learning_figures(plan, "svg"), *figures]
    assert "rules" not in report.shown_learning(plan)
    assert report.shown_learning(ruled)["rules"] == [{"id": "budget", "name": "budget", "parameters": {}}]


def test_what_strategies_asked_for_is_shown_of_every_learnt_data_set():
    plan = learnt(strategies=["random", {"id": "wide", "name": "gradcam_avg"}])
    place = "results/demo/{}/learning/{}/asked.{}"
    assert sorted(report.asked_files(plan)) == sorted(
        place.format(dataset, strategy, suffix)
        for dataset in ("steel", "tiles")
        for strategy in ("random", "wide")
        for suffix in ("webp", "csv")
    )
    assert report.asked_files(grouped()) == []
