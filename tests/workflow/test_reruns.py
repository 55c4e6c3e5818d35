"""What runs again after one change: exactly the jobs that depend on it."""

import os

import pytest

pytestmark = pytest.mark.slow

BLOCKS = ["k002-003", "k004-006"]
NODE_REPORT = {f"{rule}({node})" for rule in ("plot_clusters", "draw_contact_sheets") for node in ("root", "root.0")}
SHARED_REPORT = {"tabulate_grouping", "write_report"}
QUALITY_FIGURES = {"plot_quality(root)", "plot_quality(root.0)"}
REPORT = NODE_REPORT | QUALITY_FIGURES | SHARED_REPORT
# The child clusters its parent's members with the parent's winning features.
CHILD = {
    "reduce_features(root.0, winner)",
    "cluster_images(root.0, winner, kmeans, k002-003)",
    "score_clusterings(root.0, winner)",
    "evaluate_c_score(root.0, winner)",
    "select_clustering(root.0)",
}
SELECTION = {"select_clustering(root)"}


def scores(*encoders):
    return {f"{rule}(root, {encoder})" for rule in ("score_clusterings", "evaluate_c_score") for encoder in encoders}


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


def test_second_call_has_nothing_to_do(workspace):
    assert workspace.jobs() == set()
    assert "Nothing to be done" in workspace.snakemake().stderr


def test_touch_on_everything(workspace):
    for folder, _, files in os.walk(workspace.folder):
        if ".snakemake" not in folder:
            for file in files:
                os.utime(os.path.join(folder, file))
            os.utime(folder)
    assert workspace.jobs() == set()


def test_comment_in_config(workspace):
    append(workspace, "tiny.yaml", "# a comment\n")
    assert workspace.jobs() == set()


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
        clusterings(["texture", "resnet18"], ["agglomerative"])
        | scores("texture", "resnet18")
        | SELECTION
        | CHILD
        | REPORT
    )


def test_more_numbers_of_clusters(workspace):
    change(workspace, "grouping", "levels", 0, "ks", to=[2, 8])
    assert workspace.jobs() == (
        clusterings(["texture", "resnet18"], ["kmeans", "agglomerative"], ["k007-008"])
        | scores("texture", "resnet18")
        | SELECTION
        | CHILD
        | REPORT
    )


def test_geometry_of_one_encoder(workspace):
    change(workspace, "grouping", "levels", 0, "encoders", to=["texture", {"name": "resnet18", "geometry": "tile"}])
    assert workspace.jobs() == (
        {"extract_features(resnet18)", "reduce_features(root, resnet18)"}
        | clusterings(["resnet18"], ["kmeans", "agglomerative"])
        | scores("resnet18")
        | SELECTION
        | CHILD
        | REPORT
    )


# The root is selected without near-labels, its child by them.
BY_NEAR_LABELS = {
    "evaluate_c_score(root, texture)",
    "evaluate_c_score(root, resnet18)",
    "evaluate_c_score(root.0, winner)",
    "select_clustering(root.0)",
    "plot_quality(root.0)",
    "plot_clusters(root.0)",
    "draw_contact_sheets(root.0)",
} | SHARED_REPORT


def test_near_label(workspace):
    change(workspace, "datasets", "steel", "near_labels", to={"good": 0, "scratches": 2, "default": 1})
    assert workspace.jobs() == {"assign_near_labels", "plot_clusters(root)"} | BY_NEAR_LABELS


def test_where_features_are_computed(workspace):
    change(workspace, "features", to=workspace.config["features"] | {"workers": 2, "device": "cpu", "weights_dir": "w"})
    assert workspace.jobs() == {"write_report"}


def test_deleted_file_of_the_contract(workspace):
    (workspace.folder / "results/tiny/steel/rejected.csv").unlink()
    assert "check_images" in workspace.jobs()


def test_added_node(workspace):
    change(workspace, "grouping", "expand", to=["root.0", "root.1"])
    added = {job.replace("root.0", "root.1") for job in CHILD}
    figures = {f"{rule}(root.1)" for rule in ("plot_quality", "plot_clusters", "draw_contact_sheets")}
    assert workspace.jobs() == added | figures | SHARED_REPORT


def test_criterion_of_the_child(workspace):
    change(workspace, "grouping", "levels", 1, "criterion", to="silhouette")
    assert workspace.jobs() == (
        {"select_clustering(root.0)"} | {job for job in REPORT if "(" not in job or "root.0" in job}
    )


def test_edit_of_a_library_module(workspace):
    append(workspace, "workflow_scripts/nearlabel/grouping/cscore.py", "\n# edited\n")
    assert workspace.jobs() == BY_NEAR_LABELS


def test_edit_of_the_report(workspace):
    append(workspace, "workflow_scripts/nearlabel/report/page.py", "\n# edited\n")
    assert workspace.jobs() == {"write_report"}


def test_edit_of_a_script(workspace):
    append(workspace, "workflow_scripts/plot_quality.py", "\n# edited\n")
    assert workspace.jobs() == QUALITY_FIGURES | {"write_report"}


def test_edit_of_logs(workspace):
    append(workspace, "workflow_scripts/nearlabel/logs.py", "\n# edited\n")
    assert workspace.jobs() == set()


def test_seed(workspace):
    everything = workspace.jobs("--forceall")
    # Near-labels and tables of them draw nothing, but come after what does.
    assert workspace.jobs("--config", "seed=2") == everything
