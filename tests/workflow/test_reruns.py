"""What runs again after one change: exactly the jobs that depend on it."""

import os
import re
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.workspace import Workspace, copy_workflow

BLOCKS = ["k002-003", "k004-006"]


def figures(node):
    """Figures of a node; the child's level has no agglomerative algorithm."""
    rules = ["plot_quality", "plot_clusters", "plot_agreement", "draw_contact_sheets", "draw_candidates"]
    rules += ["map_images", "measure_images"]
    return {f"{rule}({node})" for rule in [*rules, *(["plot_dendrogram"] if node == "root" else [])]}


# What a changed set of clusters reaches beyond its own node.
COLLECTION = {"collect_groups", "plot_tree", "tabulate_clusters", "tabulate_grouping", "write_explorer", "write_report"}
MODELS = {"train_models(root, near_labels)", "plot_models(root, near_labels)", "tabulate_models"}
# The child clusters its parent's members with the parent's winning features.
CHILD = {
    "reduce_features(root.0, winner)",
    "cluster_images(root.0, winner, kmeans, k002-003)",
    "score_clusterings(root.0, winner)",
    "measure_agreement(root.0, winner)",
    "compare_encoders(root.0)",
    "evaluate_c_score(root.0, winner)",
    "select_clustering(root.0)",
    "judge_selection(root.0)",
    "measure_stability(root.0)",
} | figures("root.0")
SELECTION = (
    {"select_clustering(root)", "judge_selection(root)", "measure_stability(root)", "find_suspects"}
    | figures("root")
    | CHILD
    | COLLECTION
    | MODELS
)


def scores(*encoders):
    """What is said of some encoders' clusterings; those of all are compared with each other."""
    rules = ("score_clusterings", "measure_agreement", "evaluate_c_score")
    return {f"{rule}(root, {encoder})" for rule in rules for encoder in encoders} | {"compare_encoders(root)"}


def clusterings(encoders, algorithms, blocks=BLOCKS):
    return {f"cluster_images(root, {e}, {a}, {b})" for e in encoders for a in algorithms for b in blocks}


def change(workspace, *keys, to):
    config = workspace.config
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = to
    workspace.config = config


def append(workspace, file, text):
    with (workspace.folder / file).open("a", encoding="utf-8") as opened:
        opened.write(text)


def edit(workspace, file):
    append(workspace, f"workflow_scripts/{file}", "\nEDITED = True\n")


def test_second_call_has_nothing_to_do(workspace):
    assert "Nothing to be done" in workspace.snakemake().stderr


def test_touch_on_everything_and_what_changes_no_number(workspace):
    # What the report shows is touched after the report.
    for folder, _, files in sorted(os.walk(workspace.folder), reverse=True):
        if ".snakemake" not in folder:
            for file in files:
                os.utime(os.path.join(folder, file))
            os.utime(folder)
    append(workspace, "tiny.yaml", "# a comment\n")
    for file in ("images/geometry.py", "features/store.py", "grouping/scores/cscore.py", "learning/network/fit.py"):
        path = workspace.folder / "workflow_scripts/nearlabel" / file
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"""', '"""Another docstring: ', 1) + "\n\n# A comment.\n", encoding="utf-8")
    append(workspace, "workflow_scripts/cluster_images.py", "\n# A comment in a script.\n")
    edit(workspace, "nearlabel/logs.py")
    assert workspace.jobs() == set()


def test_code_that_cannot_be_followed_stops_the_plan_with_a_sentence(workspace):
    append(workspace, "workflow_scripts/nearlabel/seeds.py", "\n\nfrom . import parameters\n")
    done = workspace.snakemake("--dry-run", check=False)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert "nearlabel/seeds.py:" in said and "a relative import; write the module's whole name" in said
    assert "Traceback" not in said


def test_an_upgrade_of_a_library(workspace, tmp_path):
    """What computes with scikit-image runs again, and all that comes after it; learning, which does not, stays."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as metadata\n"
        "installed = metadata.version\n"
        "metadata.version = lambda name: '99.0' if name == 'scikit-image' else installed(name)\n",
        encoding="utf-8",
    )
    jobs = workspace.jobs(env={"PYTHONPATH": str(tmp_path)})
    assert {"extract_features(texture)", "extract_features(resnet18)", "reduce_features(root, texture)"} <= jobs
    assert "write_report" in jobs
    untouched = ("check_images", "hash_images", "assign_near_labels", "split_folds", "decode_images", "find_knees")
    assert not [job for job in jobs if job.startswith((*untouched, "run_active", "train_full", "encode_frozen"))]


@pytest.fixture
def checkout(tiny_run, tmp_path):
    """A fresh checkout, younger than the results that were made in another."""
    copy_workflow(tmp_path)
    shutil.copyfile(tiny_run.folder / "tiny.yaml", tmp_path / "tiny.yaml")
    shutil.copytree(tiny_run.folder / "results", tmp_path / "results", symlinks=True)
    return Workspace(tmp_path)


def test_fresh_checkout_over_old_results(tiny_run, checkout):
    # With Snakemake's records of what the results were made from, nothing runs.
    shutil.copytree(tiny_run.folder / ".snakemake", checkout.folder / ".snakemake")
    assert checkout.jobs() == set()


@pytest.mark.slow
def test_fresh_checkout_over_results_without_their_records(checkout):
    # Code younger than results and nothing that tells whether it differs: all runs again, features from the cache.
    target = "results/tiny/steel/features/resnet18.h5"
    assert "extract_features(resnet18)" in checkout.jobs(target)
    log = checkout.folder / "results/tiny/logs/extract_features/steel/resnet18.log"
    checkout.snakemake(target)
    assert "24 of unlike content, 24 of them in the cache" in log.read_text(encoding="utf-8")
    # Whoever knows that the code is the same says so.
    checkout.snakemake("--touch")
    assert checkout.jobs() == set()


@pytest.mark.slow
def test_one_image_more(workspace):
    """Everything of the data set runs again, and features of the images seen before come from the cache."""
    drawn = workspace.folder / "results/tiny/steel/synthetic"
    classes = pd.read_csv(workspace.folder / "results/tiny/steel/images.csv", dtype=str, keep_default_na=False)
    for image, kind in zip(classes["image_id"], classes["class"], strict=True):
        place = workspace.folder / "own" / ("good" if kind == "good" else "bad") / image
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(drawn / image, place)
    config = workspace.config
    config["run"] = "own"
    config["datasets"]["steel"] = {"kind": "image_folder", "root": "own", "near_labels": {"good": 0, "default": 1}}
    config["grouping"] |= {"expand": [], "classify": []}
    config["grouping"]["levels"] = [{"encoders": ["resnet18"], "algorithms": ["kmeans"], "ks": [2, 3]}]
    config["learning"] |= {"strategies": ["random"], "batch_size": 6}
    workspace.config = config
    everything = workspace.jobs("--forceall")
    workspace.snakemake()
    log = workspace.folder / "results/own/logs/extract_features/steel/resnet18.log"
    assert "24 of unlike content, 24 of them in the cache" in log.read_text()  # the other run has left them there
    assert workspace.jobs() == set()
    values = np.random.default_rng(0).integers(0, 255, (32, 96), dtype=np.uint8)
    Image.fromarray(values).save(workspace.folder / "own/bad/one more.png")
    assert workspace.jobs() == everything
    target = "results/own/steel/features/resnet18.h5"
    workspace.snakemake(target)
    assert "25 of unlike content, 24 of them in the cache" in log.read_text(encoding="utf-8")
    with h5py.File(workspace.folder / target) as store:
        assert store["features"].shape == (25, 512)


def test_key_that_no_result_depends_on(workspace):
    # A second data set that no half uses: only the page, which shows the config, is written again.
    config = workspace.config
    config["datasets"]["unused"] = {"kind": "image_folder", "root": "nowhere"}
    workspace.config = config
    assert workspace.jobs() == {"write_report"}


def test_algorithm_parameter(workspace):
    change(
        workspace,
        "grouping",
        "levels",
        0,
        "algorithms",
        to=["kmeans", {"name": "agglomerative", "parameters": {"linkage": "average"}}],
    )
    assert workspace.jobs() == (
        clusterings(["texture", "resnet18"], ["agglomerative"]) | scores("texture", "resnet18") | SELECTION
    )


def test_more_numbers_of_clusters(workspace):
    change(workspace, "grouping", "levels", 0, "ks", to=[2, 8])
    assert workspace.jobs() == (
        clusterings(["texture", "resnet18"], ["kmeans", "agglomerative"], ["k007-008"])
        | scores("texture", "resnet18")
        | SELECTION
    )


@pytest.mark.parametrize("key", [{"geometry": "tile"}, {"pooling": "novelty"}], ids=lambda key: next(iter(key)))
def test_features_of_one_encoder(workspace, key):
    change(workspace, "grouping", "levels", 0, "encoders", to=["texture", {"name": "resnet18"} | key])
    assert workspace.jobs() == (
        {"extract_features(resnet18)", "reduce_features(root, resnet18)"}
        | clusterings(["resnet18"], ["kmeans", "agglomerative"])
        | scores("resnet18")
        | SELECTION
    )


def test_one_encoder_more(workspace):
    change(workspace, "grouping", "levels", 0, "encoders", to=["texture", "resnet18", "squeezenet1_1"])
    assert workspace.jobs() == (
        {"extract_features(squeezenet1_1)", "reduce_features(root, squeezenet1_1)"}
        | clusterings(["squeezenet1_1"], ["kmeans", "agglomerative"])
        | scores("squeezenet1_1")
        | SELECTION
    )


# What looks at near-labels through scores: nothing that chooses a clustering, unless its criterion does.
BY_NEAR_LABELS = {
    "evaluate_c_score(root, texture)",
    "evaluate_c_score(root, resnet18)",
    "evaluate_c_score(root.0, winner)",
    "plot_agreement(root)",
    "plot_agreement(root.0)",
    "tabulate_grouping",
    "write_report",
}
OF_NEAR_LABELS = (
    {"assign_near_labels", "judge_selection(root)", "judge_selection(root.0)", "plot_dendrogram(root)"}
    | {"plot_clusters(root)", "plot_clusters(root.0)", "summarise_learning", "plot_learning", "split_folds"}
    | {"find_suspects"}
    | {"train_full_pool"}
    | {f"{rule}(gradcam_avg)" for rule in ("run_active_learning", "find_knees", "retrain_batch", "draw_queries")}
    | BY_NEAR_LABELS
    | COLLECTION
    | MODELS
)
# A child that is chosen again, among the clusterings of before.
CHOSEN_CHILD = (
    {"select_clustering(root.0)", "judge_selection(root.0)", "measure_stability(root.0)"}
    | figures("root.0")
    | COLLECTION
)


def change_near_label(workspace):
    change(workspace, "datasets", "steel", "near_labels", to={"good": 0, "scratches": 2, "default": 1})


def test_near_label(workspace):
    change_near_label(workspace)
    # No feature, no decoded image, no frozen stage; no evidence for a clustering, and none is chosen again.
    assert workspace.jobs() == OF_NEAR_LABELS


def test_near_label_where_they_choose(workspace):
    change(workspace, "grouping", "levels", 1, "criterion", to="convergence_difference")
    workspace.snakemake("--touch")
    assert workspace.jobs() == set()
    change_near_label(workspace)
    assert workspace.jobs() == OF_NEAR_LABELS | CHOSEN_CHILD


def test_edit_of_the_verdict(workspace):
    edit(workspace, "nearlabel/grouping/scores/verdict.py")
    assert workspace.jobs() == {"judge_selection(root)", "judge_selection(root.0)", "write_report"}


@pytest.mark.slow
def test_extra_columns_of_a_table(workspace):
    """Held against groups that stay as they are: nothing is read, encoded or clustered again."""
    shutil.copytree(workspace.folder / "results/tiny/steel/synthetic", workspace.folder / "own")
    images = pd.read_csv(workspace.folder / "results/tiny/steel/images.csv", dtype=str, keep_default_na=False)
    table = images.rename(columns={"image_id": "file"})[["file", "class"]].assign(line=["a", "b"] * 12)
    table.to_csv(workspace.folder / "own/list.csv", index=False)
    config = workspace.config
    config["run"] = "own"
    config["datasets"]["steel"] = {
        "kind": "csv",
        "file": "own/list.csv",
        "path_column": "file",
        "label_column": "class",
    }
    config["grouping"] |= {"expand": [], "classify": []}
    config["grouping"]["levels"] = [{"encoders": ["texture"], "algorithms": ["kmeans"], "ks": [2, 3]}]
    del config["learning"]
    workspace.config = config
    workspace.snakemake()
    assert workspace.jobs() == set()
    change(workspace, "datasets", "steel", "extra_columns", to=["line"])
    assert workspace.jobs() == {"read_columns", "tabulate_columns", "write_explorer", "write_report"}
    workspace.snakemake()
    found = pd.read_csv(workspace.folder / "results/own/tables/columns.csv")
    assert found[["dataset", "node", "column", "values"]].to_numpy().tolist() == [["steel", "root", "line", 2]]
    assert "Held against other columns" in (workspace.folder / "results/own/report/index.html").read_text("utf-8")


def test_where_features_are_computed_and_what_none_of_them_uses(workspace):
    where = {"workers": 2, "device": "auto", "weights_dir": "w", "weights_mirror": "http://localhost"}
    unused = {"tile_overlap": 0.5, "novelty": {"temperature": 2.0}}
    change(workspace, "features", to=workspace.config["features"] | where | unused)
    assert workspace.jobs() == {"write_report"}


def test_where_silhouettes_are_computed(workspace):
    asked = r"rule score_clusterings:\n(?:    .*\n)*?    resources: .*device=(\w+), gpu=(\d)"
    found = {}
    for device in ("cpu", "auto", "cuda"):
        change(workspace, "grouping", "device", to=device)
        # The page shows the config; cpu is the default.
        assert workspace.jobs() == (set() if device == "cpu" else {"write_report"})
        done = workspace.snakemake("--dry-run", "--forcerun", "score_clusterings")
        found[device] = set(re.findall(asked, done.stdout + done.stderr))
    # Not even where there is a GPU is one taken that the config does not name.
    assert found == {"cpu": {("cpu", "0")}, "auto": {("auto", "0")}, "cuda": {("cuda", "1")}}


def test_deleted_file_of_the_contract(workspace):
    (workspace.folder / "results/tiny/steel/rejected.csv").unlink()
    assert "check_images" in workspace.jobs()


def test_added_node(workspace):
    change(workspace, "grouping", "expand", to=["root.0", "root.1"])
    assert workspace.jobs() == {job.replace("root.0", "root.1") for job in CHILD} | COLLECTION


def test_removed_node(workspace):
    change(workspace, "grouping", "expand", to=[])
    assert workspace.jobs() == COLLECTION


@pytest.mark.parametrize(
    ("criterion", "measured"),
    # Stability is measured only where it decides.
    [("silhouette", set()), ("ami", set()), ("stability", {"measure_agreement(root.0, winner)"})],
)
def test_criterion_of_the_child(workspace, criterion, measured):
    change(workspace, "grouping", "levels", 1, "criterion", to=criterion)
    assert workspace.jobs() == CHOSEN_CHILD | measured


def test_draws_of_structureless_data(workspace):
    change(workspace, "grouping", "structure", to={"draws": 4})
    assert workspace.jobs() == {"measure_agreement(root, texture)", "measure_agreement(root, resnet18)"} | SELECTION


def test_names_of_groups(workspace):
    (workspace.folder / "names.csv").write_text("node,name\nroot.0,scratches\n", encoding="utf-8")
    change(workspace, "grouping", "names", to={"steel": "names.csv"})
    drawn = {f"{rule}({node})" for rule in ("plot_clusters", "plot_dendrogram") for node in ("root", "root.0")}
    assert workspace.jobs() == (
        drawn - {"plot_dendrogram(root.0)"}
        | {"plot_models(root, near_labels)", "collect_groups", "plot_tree", "tabulate_clusters"}
        | {"write_explorer", "write_report"}
    )


def test_copies_instead_of_links(workspace):
    change(workspace, "grouping", "groups", to="copies")
    assert workspace.jobs() == {"collect_groups", "plot_tree", "write_report"}


def test_one_model_more(workspace):
    models = ["svm", "decision_tree", "nearest_centre", "mlp"]
    change(workspace, "grouping", "classify", to=[{"target": "near_labels", "models": models, "folds": 2}])
    assert workspace.jobs() == MODELS | {"write_explorer", "write_report"}


def test_limit_of_overlap(workspace):
    change(workspace, "grouping", "min_overlap", to=0.9)
    assert workspace.jobs() == {"collect_groups", "plot_tree", "write_report"}


def test_edit_of_a_library_module(workspace):
    edit(workspace, "nearlabel/grouping/scores/cscore.py")
    assert workspace.jobs() == BY_NEAR_LABELS


def test_edit_of_a_library_module_where_near_labels_choose(workspace):
    change(workspace, "grouping", "levels", 1, "criterion", to="convergence_difference")
    workspace.snakemake("--touch")
    edit(workspace, "nearlabel/grouping/scores/cscore.py")
    assert workspace.jobs() == BY_NEAR_LABELS | CHOSEN_CHILD


def test_edit_of_how_encoders_are_compared(workspace):
    edit(workspace, "nearlabel/grouping/structure/across.py")
    assert workspace.jobs() == {"compare_encoders(root)"} | SELECTION


def test_edit_of_how_a_clustering_is_selected(workspace):
    edit(workspace, "nearlabel/grouping/selection/criteria.py")
    assert workspace.jobs() == SELECTION


def test_edit_of_the_models_parameters(workspace):
    edit(workspace, "nearlabel/grouping/models/catalogue.py")
    assert workspace.jobs() == MODELS | {"write_explorer", "write_report"}


def test_edit_of_the_report(workspace):
    edit(workspace, "nearlabel/report/page.py")
    assert workspace.jobs() == {"write_report"}


@pytest.mark.parametrize(
    ("module", "jobs"),
    [
        ("images/thumbnails.py", {"draw_thumbnails", "write_report"}),
        ("grouping/maps/embedding.py", {"map_images(root)", "map_images(root.0)"}),
        ("grouping/maps/confident.py", {"find_suspects", "write_report"}),
        ("report/explorer/writing.py", set()),
        ("report/explorer/templates/explorer_map.js", set()),
    ],
)
def test_edit_of_what_the_explorer_shows(workspace, module, jobs):
    append(workspace, f"workflow_scripts/nearlabel/{module}", "\nEDITED = 1\n")
    assert workspace.jobs() == jobs | {"write_explorer"}


def test_edit_of_a_script(workspace):
    edit(workspace, "plot_quality.py")
    assert workspace.jobs() == {"plot_quality(root)", "plot_quality(root.0)", "write_report"}


def test_seed(workspace):
    everything = workspace.jobs("--forceall")
    # Near-labels and tables of them draw nothing, but come after what does.
    assert workspace.jobs("--config", "seed=2") == everything
