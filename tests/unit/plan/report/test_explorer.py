"""What the explorer of a data set is made from, by what the run makes."""

from helpers.workspace import TINY
from nearlabel.plan import plan_run
from nearlabel.plan.report.explorer import explorer_files, explorer_settings, shown_strategies

FOLDER = "results/tiny/steel"
ALWAYS = {
    "images": f"{FOLDER}/images.csv",
    "near_labels": f"{FOLDER}/near_labels.csv",
    "duplicates": f"{FOLDER}/near_duplicates.csv",
    "suspects": f"{FOLDER}/grouping/suspects.csv",
    "thumbnails": f"{FOLDER}/thumbnails.json",
}
EMPTY = {"names": [], "columns": [], "model": [], "novelty": [], "queries": [], "labelling": []}


def plan(**sections):
    config = {key: value for key, value in TINY.items() if key not in ("grouping", "learning")}
    grouping = {**TINY["grouping"], "classify": [], "expand": []} | sections.pop("grouping", {})
    return plan_run(config | {"grouping": grouping} | sections)


def test_only_what_the_run_makes():
    assert explorer_files(plan(), "steel") == ALWAYS | EMPTY
    assert explorer_settings(plan(), "steel") == {
        "names_file": "",
        "labels": [],
        "labels_folder": "",
        "rounds": "",
        "strategies": [],
    }


def test_everything_a_run_makes():
    encoder = TINY["learning"]["encoder"]
    labelling = {"dataset": "steel", "labels": ["good", "scratch"], "encoder": encoder, "folder": "given"}
    learning = {**TINY["learning"], "strategies": ["random", "gradcam_avg"]}
    levels = [{**TINY["grouping"]["levels"][0], "encoders": ["texture", {"name": "resnet18", "pooling": "novelty"}]}]
    classify = TINY["grouping"]["classify"]
    made = plan(
        grouping={"levels": levels, "classify": classify, "names": {"steel": "names.csv"}},
        learning=learning,
        labelling=labelling,
    )
    models = f"{FOLDER}/grouping/root/models/near_labels"
    assert explorer_files(made, "steel") == ALWAYS | {
        "names": ["names.csv"],
        "columns": [],
        "model": [f"{models}/predictions.csv", f"{models}/summary.json"],
        "novelty": [f"{FOLDER}/features/resnet18.h5"],
        "queries": [f"{FOLDER}/learning/{id}/fold0/queries.csv" for id in ("random", "gradcam_avg")],
        "labelling": [f"{FOLDER}/labelling/{name}.csv" for name in ("labels", "predictions", "queue")],
    }
    assert explorer_settings(made, "steel") == {
        "names_file": "names.csv",
        "labels": ["good", "scratch"],
        "labels_folder": "given",
        "rounds": "given/rounds",
        "strategies": ["random", "gradcam_avg"],
    }


def test_six_strategies_at_most():
    strategies = ["random", "uncertainty", "gradcam_avg", "badge", "core_set", "typiclust", "bald"]
    made = plan(learning={**TINY["learning"], "strategies": strategies})
    assert shown_strategies(made, "steel") == strategies[:6]
