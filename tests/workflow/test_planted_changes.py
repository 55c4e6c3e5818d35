"""A change planted in each room of the library, and the workflow really run: what depends on it changes, nothing else.

Old results, caches and states lie there all the while; none may come back. At the end, everything is as a run makes it
that never saw the code of before.
"""

import shutil
from collections.abc import Mapping

import pytest

from helpers.workspace import Workspace, read_jobs

NODES, FOLDS = ("root", "root.0"), range(3)
RUNS = {f"{rule}(gradcam_avg)" for rule in ("run_active_learning", "find_knees", "retrain_batch", "draw_queries")}
RUNS |= {"write_explorer"}
BOUNDS = {"train_full_pool"}
SUMMARIES = {"summarise_learning", "plot_learning", "write_report"}
CLUSTERED = [("root", "texture"), ("root", "resnet18"), ("root.0", "winner")]
FIGURES = {f"{rule}({node})" for rule in ("plot_quality", "plot_clusters", "plot_agreement") for node in NODES}
MODELS = {"plot_models(root, near_labels)", "plot_tree"}
COLLECTED = {"collect_groups", "tabulate_grouping", "tabulate_clusters", "write_explorer", "write_report"}
SELECTED = {
    f"{rule}({node})"
    for rule in (
        "compare_encoders",
        "select_clustering",
        "judge_selection",
        "measure_stability",
        "draw_contact_sheets",
        "draw_candidates",
        "map_images",
        "measure_images",
    )
    for node in NODES
}
SCORED = {f"evaluate_c_score({node}, {encoder})" for node, encoder in CLUSTERED}
SWEPT = {
    f"{rule}({node}, {encoder})"
    for rule in ("reduce_features", "score_clusterings", "measure_agreement")
    for node, encoder in CLUSTERED
} | {
    f"cluster_images({node}, {encoder}, {algorithm}, {block})"
    for node, encoder in CLUSTERED
    for algorithm in (("kmeans",) if node == "root.0" else ("kmeans", "agglomerative"))
    for block in (("k002-003",) if node == "root.0" else ("k002-003", "k004-006"))
}
GROUPED = (
    SWEPT | SCORED | SELECTED | FIGURES | MODELS | COLLECTED
    | {"plot_dendrogram(root)", "train_models(root, near_labels)", "tabulate_models", "find_suspects"}
)  # fmt: skip
ENCODED = {"extract_features(texture)", "extract_features(resnet18)"}

# Room → file, code put at its end, jobs that run, files that then differ (below results/tiny).
PLANTS = {
    "report": (
        "report/base/figures.py",
        "_honest = save_figure\n\ndef save_figure(f, stem):\n    f.text(0, 0, 'planted')\n    _honest(f, stem)",
        FIGURES | MODELS | {"plot_dendrogram(root)", "plot_learning", "write_explorer", "write_report"},
        ["figures/steel_root_quality.svg", "figures/steel_learning.svg", "figures/steel_tree.png", "report/index.html"],
    ),
    "learning": (
        "learning/network/evaluate.py",
        "_honest = auc_and_ap\n\ndef auc_and_ap(*args):\n    return tuple(score / 2 for score in _honest(*args))",
        RUNS | BOUNDS | SUMMARIES,
        [
            *(f"steel/learning/gradcam_avg/fold{fold}/rounds.csv" for fold in FOLDS),
            *(f"steel/learning/full_pool/fold{fold}.json" for fold in FOLDS),
            *(f"steel/learning/gradcam_avg/fold{fold}/batch_best.json" for fold in FOLDS),
            "tables/table1.csv",
        ],
    ),
    "grouping": (
        "grouping/scores/cscore.py",
        "_honest = score_table\n\ndef score_table(*args):\n    return {k: v / 2 for k, v in _honest(*args).items()}",
        SCORED | {"select_clustering(root.0)", "judge_selection(root.0)", "measure_stability(root.0)"}
        | {f"{rule}(root.0)" for rule in ("draw_contact_sheets", "draw_candidates", "map_images", "measure_images")}
        | {"plot_agreement(root)", *(f"{plot}(root.0)" for plot in ("plot_quality", "plot_clusters", "plot_agreement"))}
        | COLLECTED | {"plot_tree"},
        [f"steel/grouping/{node}/{encoder}/scores.csv" for node, encoder in CLUSTERED] + ["tables/grouping.csv"],
    ),
    "structure": (
        "grouping/structure/across.py",
        "_honest = compare_encoders\n\ndef compare_encoders(*args):\n    table = _honest(*args)\n"
        "    return table.assign(across=1 - table['across'])",
        # The root is chosen anew and its child clustered, among clusterings of the root that stay.
        GROUPED - {job for job in SWEPT | SCORED if "(root, " in job},
        ["steel/grouping/root/consensus.csv", "steel/grouping/root/selection.json"],
    ),
    "features": (
        "features/texture.py",
        "_honest = describe_texture\n\ndef describe_texture(image):\n    return _honest(image) ** 2",
        ENCODED | GROUPED,
        [f"steel/{name}" for name in ("features/texture.h5", "grouping/root/texture/reduced.h5")],
    ),
    "images": (
        "images/geometry.py",
        "_honest = place_image\n\ndef place_image(*args, **kwargs):\n    placed = _honest(*args, **kwargs).copy()\n"
        "    placed[:, :, ::2] = 255 - placed[:, :, ::2]\n    return placed",
        ENCODED | GROUPED | {"decode_images(64)", "encode_frozen_stages"} | RUNS | BOUNDS | SUMMARIES,
        [
            "steel/features/texture.h5", "steel/features/resnet18.h5", "steel/images/64.h5", "steel/learning/frozen.h5",
            *(f"steel/grouping/{node}/{encoder}/reduced.h5" for node, encoder in CLUSTERED),
            # States of the finished runs of before must not answer for these.
            *(f"steel/learning/gradcam_avg/fold{i}/{file}" for i in FOLDS for file in ("rounds.csv", "queries.csv")),
        ],
    ),
}  # fmt: skip


def results(workspace: Workspace) -> Mapping[str, tuple[bytes, int]]:
    """Content and age of every result, by its path below results/tiny."""
    folder = workspace.folder / "results/tiny"
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.relative_to(folder).parts[0] not in ("logs", "benchmarks")
    }


def plant(workspace: Workspace, room: str) -> None:
    file, code = PLANTS[room][:2]
    with (workspace.folder / "workflow_scripts/nearlabel" / file).open("a", encoding="utf-8") as opened:
        opened.write(f"\n\n{code}\n")


@pytest.mark.slow
def test_what_depends_on_a_room_changes_and_nothing_else_runs(workspace, tmp_path):
    config = workspace.config
    # What is planted in the scores by near-labels reaches a clustering that they choose, and may move images.
    config["grouping"]["levels"][1]["criterion"] = "convergence_difference"
    config["grouping"]["min_overlap"] = 0
    workspace.config = config
    workspace.snakemake()
    for room, (_, _, jobs, differing) in PLANTS.items():
        before = results(workspace)
        plant(workspace, room)
        done = workspace.snakemake()
        assert read_jobs(done) == jobs, room
        after = results(workspace)
        for file in differing:
            assert after[file][0] != before[file][0], f"{room}: {file} is still what it was"
        # Folders of pictures are drawn whole, as many as there are clusters now.
        gone = before.keys() - after.keys()
        assert all("_candidates/" in file or "_sheets/" in file for file in gone), f"{room}: {sorted(gone)}"
        there = before.keys() & after.keys()
        kept = {file for file in there if before[file][1] == after[file][1]}
        assert {file for file in there if before[file][0] != after[file][0]}.isdisjoint(kept)
        assert "steel/images.csv" in kept and "steel/learning/folds.csv" in kept
    # The same code in a place without any results, caches or states.
    fresh = Workspace(tmp_path / "fresh")
    shutil.copytree(workspace.folder, fresh.folder, ignore=shutil.ignore_patterns("results", ".snakemake"))
    fresh.snakemake()
    old, new = results(workspace), results(fresh)
    assert old.keys() == new.keys()
    differing = {file for file in old if old[file][0] != new[file][0]}
    # The page names machine, time and memory; what the user has named is remembered as it was when it was named.
    assert {file for file in differing if "remembered" not in file} <= {"report/index.html"}
