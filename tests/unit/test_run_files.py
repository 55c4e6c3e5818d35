"""Paths of a run: exact, filled in, read back, and none of two kinds."""

import re
from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel import run_files
from nearlabel.report.catalogue import (
    LEARNING_FIGURES,
    MERGE_FIGURES,
    MODEL_FIGURES,
    NODE_FIGURES,
    STOPPING_FIGURES,
    STOPPING_TABLES,
)
from nearlabel.run_files import belongs, below, benchmark, fields_of, figure_files, fill, log, run_folder, table_files

VALUES = {
    "run": "demo-1",
    "dataset": "ma_g-tile",
    "encoder": "vgg16_tiled",
    "part": "3",
    "parts": "5",
    "node": "root.1.25",
    "algorithm": "k_means-2",
    "block": "k002-050",
    "level": "2",
    "target": "near_labels",
    "size": "64x256",
    "strategy": "wide_maps",
    "fold": "3",
    "cutoff": "best_until_knee",
    "table": "table1_ap",
    "kind": "quality",
    "suffix": "csv",
}
DATASET = "results/demo-1/ma_g-tile"
NODE = f"{DATASET}/grouping/root.1.25"
MODELS = f"{NODE}/models/near_labels"
FOLD = f"{DATASET}/learning/wide_maps/fold3"
FIGURE = "results/demo-1/figures/ma_g-tile"
PATHS = {
    "SYNTHETIC": f"{DATASET}/synthetic",
    "SYNTHETIC_TABLE": f"{DATASET}/synthetic.csv",
    "IMAGES": f"{DATASET}/images.csv",
    "REJECTED": f"{DATASET}/rejected.csv",
    "NEAR_LABELS": f"{DATASET}/near_labels.csv",
    "COLUMNS": f"{DATASET}/columns.csv",
    "HASHES": f"{DATASET}/hashes.h5",
    "LEDGER": f"{DATASET}/ledger.csv",
    "NEAR_DUPLICATES": f"{DATASET}/near_duplicates.csv",
    "FEATURES": f"{DATASET}/features/vgg16_tiled.h5",
    "FEATURE_PART": f"{DATASET}/features/vgg16_tiled/part3of5.json",
    "DECODED": f"{DATASET}/images/64x256.h5",
    "THUMBNAILS": f"{DATASET}/thumbnails",
    "THUMBNAIL_INDEX": f"{DATASET}/thumbnails.json",
    "LEVELS": f"{DATASET}/grouping/levels/2.csv",
    "GROUPS": f"{DATASET}/grouping/groups.csv",
    "SORTED_IMAGES": f"{DATASET}/grouping/groups",
    "REMEMBERED": f"{DATASET}/grouping/remembered.csv",
    "REMEMBERED_NODES": f"{DATASET}/grouping/remembered/nodes",
    "REMEMBERED_NODE": f"{DATASET}/grouping/remembered/nodes/root.1.25.json",
    "REMEMBERED_NAMES": f"{DATASET}/grouping/remembered/names",
    "SUSPECTS": f"{DATASET}/grouping/suspects.csv",
    "SELECTION": f"{NODE}/selection.json",
    "CLUSTERS": f"{NODE}/clusters.csv",
    "VERDICT": f"{NODE}/verdict.json",
    "STABILITY": f"{NODE}/stability.csv",
    "CONSENSUS": f"{NODE}/consensus.csv",
    "MAP": f"{NODE}/map.h5",
    "MEASURES": f"{NODE}/images.csv",
    "REDUCED": f"{NODE}/vgg16_tiled/reduced.h5",
    "LABELS": f"{NODE}/vgg16_tiled/labels/k_means-2/k002-050.h5",
    "QUALITY": f"{NODE}/vgg16_tiled/quality.csv",
    "AGREEMENT": f"{NODE}/vgg16_tiled/agreement.csv",
    "SILHOUETTE_ERRORS": f"{NODE}/vgg16_tiled/silhouette_error.csv",
    "SCORES": f"{NODE}/vgg16_tiled/scores.csv",
    "NULL": f"{NODE}/vgg16_tiled/null.csv",
    "MODEL_SCORES": f"{MODELS}/scores.csv",
    "MODEL_CONFUSION": f"{MODELS}/confusion.csv",
    "MODEL_PREDICTIONS": f"{MODELS}/predictions.csv",
    "MODEL_RULES": f"{MODELS}/rules.txt",
    "MODEL": f"{MODELS}/model.skops",
    "MODEL_SUMMARY": f"{MODELS}/summary.json",
    "LEARNING_STATE": "results/cache/learning/demo-1/ma_g-tile/wide_maps/fold3",
    "FROZEN": f"{DATASET}/learning/frozen.h5",
    "FOLDS": f"{DATASET}/learning/folds.csv",
    "FULL_POOL": f"{DATASET}/learning/full_pool/fold3.json",
    "ROUNDS": f"{FOLD}/rounds.csv",
    "QUERIES": f"{FOLD}/queries.csv",
    "CHOICES": f"{FOLD}/choices.json",
    "QUERY_MAPS": f"{FOLD}/maps.h5",
    "ASKED_SHEET": f"{DATASET}/learning/wide_maps/asked.webp",
    "ASKED_INDEX": f"{DATASET}/learning/wide_maps/asked.csv",
    "PROBABILITIES": f"{FOLD}/probabilities.h5",
    "STOPS": f"{FOLD}/stops.csv",
    "KNEES": f"{FOLD}/knees.json",
    "BATCH": f"{FOLD}/batch_best_until_knee.json",
    "ANSWERS": f"{DATASET}/labelling/answers.csv",
    "ANSWER_PROBLEMS": f"{DATASET}/labelling/problems.csv",
    "GIVEN_LABELS": f"{DATASET}/labelling/labels.csv",
    "DISAGREEMENTS": f"{DATASET}/labelling/disagreements.csv",
    "QUEUE": f"{DATASET}/labelling/queue.csv",
    "PREDICTIONS": f"{DATASET}/labelling/predictions.csv",
    "OVERLAYS": f"{DATASET}/labelling/overlays.h5",
    "STATUS": f"{DATASET}/labelling/status.json",
    "LABEL_PAGE": f"{DATASET}/labelling/label.html",
    "FINAL_MODEL": f"{DATASET}/labelling/final/model.pt",
    "FINAL_REPORT": f"{DATASET}/labelling/final/report.json",
    "FINAL_PREDICTIONS": f"{DATASET}/labelling/final/predictions.csv",
    "FINAL_DOUBTFUL": f"{DATASET}/labelling/final/doubtful.csv",
    "FINAL_PAGE": f"{DATASET}/labelling/final/index.html",
    "BUNDLES": f"{DATASET}/bundles",
    "NEWEST_BUNDLE": f"{DATASET}/bundles/newest.json",
    "TABLE": "results/demo-1/tables/table1_ap.csv",
    "NODE_FIGURE": f"{FIGURE}_root.1.25_quality.csv",
    "MODEL_FIGURE": f"{FIGURE}_root.1.25_near_labels_quality.csv",
    "DATASET_FIGURE": f"{FIGURE}_quality.csv",
    "SHEETS": f"{FIGURE}_root.1.25_sheets",
    "SHEET_INDEX": f"{FIGURE}_root.1.25_sheets.csv",
    "CANDIDATES": f"{FIGURE}_root.1.25_candidates",
    "CANDIDATE_INDEX": f"{FIGURE}_root.1.25_candidates.csv",
    "PAGE": "results/demo-1/report/index.html",
    "EXPLORER": "results/demo-1/report/explorer/ma_g-tile.html",
    "BENCHMARKS": "results/demo-1/benchmarks",
    "LOGS": "results/demo-1/logs",
    "KEPT": "results/demo-1/.kept",
}
# Figures' names are joined by underscores, which data sets, targets and kinds may hold: read back without any only.
FIGURES = ("NODE_FIGURE", "MODEL_FIGURE", "DATASET_FIGURE")
OUTSIDE = ("LEARNING_STATE",)
"""Below no run's folder; its run is a field as any other."""

ID = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]*", fullmatch=True)
NUMBER = st.integers(0, 2000).map(str)
LEGAL = st.fixed_dictionaries(
    {
        "run": ID,
        "dataset": ID,
        "encoder": ID,
        "node": st.from_regex(r"root(\.(0|[1-9][0-9]*))*", fullmatch=True),
        "algorithm": ID,
        "block": st.sampled_from(["k002-050", "k998-1000"]),
        "level": NUMBER,
        "target": st.sampled_from(["clusters", "near_labels"]),
        "size": st.sampled_from(["own", "64", "64x256"]),
        "strategy": ID,
        "fold": NUMBER,
        "cutoff": st.sampled_from(["best", "knee", "best_until_knee"]),
        "table": st.sampled_from(["clusters", "table1_ap"]),
        "part": st.sampled_from(["0", "12"]),
        "parts": st.sampled_from(["2", "20"]),
        "suffix": st.sampled_from(["csv", "svg"]),
    }
)


def pattern_of(name):
    return getattr(run_files, name)


def fields_in(name):
    return set(re.findall(r"\{(\w+)\}", pattern_of(name)))


def chosen(name, values):
    return {field: values[field] for field in fields_in(name)}


def without(values, *names):
    return {field: value for field, value in values.items() if field not in names}


@pytest.mark.parametrize("name", PATHS)
def test_every_path_is_known(name):
    assert fill(pattern_of(name), **chosen(name, VALUES)) == PATHS[name]


def test_no_pattern_is_forgotten_here():
    public = {
        name
        for name, value in vars(run_files).items()
        if name.isupper() and name[0] != "_" and isinstance(value, str) and "{" in value
    }
    assert public - {"RUN"} == set(PATHS)
    assert set().union(*map(fields_in, PATHS)) == set(VALUES)


def test_what_runs_share_is_below_no_run():
    assert run_files.FEATURE_CACHE == "results/cache"


@pytest.mark.parametrize("name", [name for name in PATHS if name not in FIGURES])
@settings(max_examples=20)
@given(values=LEGAL)
def test_a_path_gives_its_fields_back(name, values):
    expected = chosen(name, values) if name in OUTSIDE else without(chosen(name, values), "run")
    path = fill(pattern_of(name), **chosen(name, values))
    assert fields_of(pattern_of(name), path) == expected
    assert fields_of(pattern_of(name), Path("/elsewhere") / path) == expected


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_without_underscores_gives_its_fields_back(name):
    values = chosen(name, VALUES | {"dataset": "mag-tile", "target": "clusters", "suffix": "svg"})
    assert fields_of(pattern_of(name), fill(pattern_of(name), **values)) == without(values, "run")


def test_a_path_need_not_begin_with_its_run():
    state = {"run": "demo", "dataset": "steel", "strategy": "random", "fold": "0"}
    assert fields_of(run_files.LEARNING_STATE, "/kept/cache/learning/demo/steel/random/fold0") == state
    assert fields_of(run_files.IMAGES, "steel/images.csv") == {"dataset": "steel"}
    assert fields_of(run_files.ROUNDS, "steel/learning/random/fold10/rounds.csv") == {
        "dataset": "steel",
        "strategy": "random",
        "fold": "10",
    }


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ROUNDS", "results/demo/steel/learning/random/fold0/queries.csv"),
        ("ROUNDS", "results/demo/steel/learning/random/0/rounds.csv"),
        ("IMAGES", "results/demo/steel/images.csv.part"),
        ("IMAGES", "results/demo/steel/imagesXcsv"),
        ("IMAGES", "images.csv"),
        ("SELECTION", "results/demo/steel/grouping/root/texture/selection.json"),
        ("SCORES", "results/demo/steel/grouping/root/models/clusters/scores.csv"),
        ("PAGE", "results/demo/myreport/index.html"),
    ],
)
def test_a_path_of_another_kind_is_refused(name, path):
    with pytest.raises(ValueError, match="is not a file of the kind results/"):
        fields_of(pattern_of(name), path)


def test_some_fields_may_stay_open():
    assert fill(run_files.FEATURES, run="demo", encoder="texture") == "results/demo/{dataset}/features/texture.h5"
    assert run_files.folds_of(run_files.FULL_POOL, ["results/a/b/learning/full_pool/fold12.json"]) == [12]
    assert fill(run_files.FULL_POOL, fold=0) == "results/{run}/{dataset}/learning/full_pool/fold0.json"
    assert fill(run_files.IMAGES) == run_files.IMAGES


def test_an_unknown_field_is_an_error():
    with pytest.raises(KeyError, match="has no field encoder"):
        fill(run_files.IMAGES, dataset="steel", encoder="texture")


@pytest.mark.parametrize("name", [name for name in PATHS if name not in OUTSIDE])
def test_a_run_may_lie_anywhere(name):
    file = below("/data/runs/my.run", pattern_of(name), **without(chosen(name, VALUES), "run"))
    assert file == Path(PATHS[name].replace("results/demo-1", "/data/runs/my.run"))
    assert run_folder(pattern_of(name), file) == Path("/data/runs/my.run")
    assert run_folder(pattern_of(name), PATHS[name]) == Path("results/demo-1")


def test_below_knows_its_run():
    with pytest.raises(KeyError, match="has no field run"):
        below("/data", run_files.IMAGES, run="demo", dataset="steel")


def test_a_file_belongs_where_all_given_fields_agree():
    file = "results/demo/steel/grouping/root/texture/labels/kmeans/k002-050.h5"
    assert belongs(run_files.LABELS, file)
    assert belongs(run_files.LABELS, file, encoder="texture")
    assert belongs(run_files.LABELS, file, encoder="texture", node="root")
    assert not belongs(run_files.LABELS, file, encoder="textur")
    assert not belongs(run_files.LABELS, file, encoder="texture", node="root.1")
    with pytest.raises(ValueError, match="is not a file of the kind"):
        belongs(run_files.REDUCED, file, encoder="texture")


def test_logs_and_benchmarks_name_rule_and_wildcards():
    assert log("write_report") == "results/{run}/logs/write_report.log"
    assert log("cluster_images", "dataset", "node") == "results/{run}/logs/cluster_images/{dataset}/{node}.log"
    assert log("find_knees", "strategy", "fold") == "results/{run}/logs/find_knees/{strategy}/fold{fold}.log"
    assert benchmark("write_report") == "results/{run}/benchmarks/write_report.tsv"
    assert benchmark("train_full_pool", "dataset", "fold") == (
        "results/{run}/benchmarks/train_full_pool/{dataset}/fold{fold}.tsv"
    )


def test_figures_come_twice():
    assert figure_files(run_files.DATASET_FIGURE, "learning", "strategies") == {
        "learning_svg": "results/{run}/figures/{dataset}_learning.svg",
        "learning_png": "results/{run}/figures/{dataset}_learning.png",
        "strategies_svg": "results/{run}/figures/{dataset}_strategies.svg",
        "strategies_png": "results/{run}/figures/{dataset}_strategies.png",
    }
    assert figure_files(run_files.NODE_FIGURE) == {}


def test_tables_come_thrice():
    assert table_files("models") == {
        "models_csv": "results/{run}/tables/models.csv",
        "models_md": "results/{run}/tables/models.md",
        "models_tex": "results/{run}/tables/models.tex",
    }
    assert list(table_files("table1", "wins")) == [
        f"{table}_{suffix}" for table in ("table1", "wins") for suffix in ("csv", "md", "tex")
    ]


def every_path():
    """Of data sets, encoders and strategies that are called as parts of the layout are, too."""
    choices = {
        "run": ["demo"],
        "dataset": ["steel", "steel_root", "tables", "figures", "report", "benchmarks", "synthetic", "images"],
        "node": ["root", "root.1"],
        "encoder": ["texture", "models", "labels"],
        "strategy": ["random", "frozen", "folds"],
        "kind": [*NODE_FIGURES, *MERGE_FIGURES],
        "suffix": ["svg"],
    }
    of_pattern = {
        "MODEL_FIGURE": {"kind": MODEL_FIGURES},
        "DATASET_FIGURE": {"kind": ["tree", *LEARNING_FIGURES, *STOPPING_FIGURES]},
        "TABLE": {"suffix": ["csv"], "table": ["grouping", "models", "table1", *STOPPING_TABLES]},
    }
    for name in PATHS:
        allowed = {field: [value] for field, value in VALUES.items()} | choices | of_pattern.get(name, {})
        fields = sorted(fields_in(name))
        for values in product(*(allowed[field] for field in fields)):
            yield fill(pattern_of(name), **dict(zip(fields, values, strict=True)))


def test_no_path_is_of_two_kinds():
    paths = list(every_path())
    assert [path for path, count in Counter(paths).items() if count > 1] == []


def test_no_path_lies_in_a_folder_that_one_job_makes_whole():
    values = {"run": "demo", "dataset": "steel", "node": "root"}
    names = ("SYNTHETIC", "SORTED_IMAGES", "SHEETS", "CANDIDATES", "THUMBNAILS")
    folders = [fill(pattern_of(name), **chosen(name, values)) for name in names]
    assert [path for path in every_path() for folder in folders if path.startswith(f"{folder}/")] == []
