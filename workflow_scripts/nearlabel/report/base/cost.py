"""What a run costs: time and memory of its stages, how fast images were read, what a change would take."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nearlabel.report.base.provenance import read_benchmark
from nearlabel.run_files import BENCHMARKS, LOGS, below

STAGES = {
    "Reading images": (
        "draw_synthetic", "check_images", "assign_near_labels", "read_columns", "hash_images", "decode_images",
    ),
    "Features": ("encode_part", "extract_features"),
    "Clustering": ("reduce_features", "cluster_images"),
    "Scores and choice": (
        "score_clusterings", "measure_agreement", "compare_encoders", "evaluate_c_score", "select_clustering",
        "judge_selection", "measure_stability", "plan_level", "collect_groups",
    ),
    "Models on the groups": ("train_models",),
    "Active learning": (
        "encode_frozen_stages", "split_folds", "run_active_learning", "train_full_pool", "find_knees", "find_stops",
        "retrain_batch",
    ),
    "Labelling": (
        "merge_answers", "choose_batch", "summarise_labelling", "write_label_page", "train_final", "write_final_page",
    ),
    "Bundle for new images": ("fit_bundle",),
    "Report": (
        "plot_quality", "plot_clusters", "plot_dendrogram", "plot_agreement", "draw_contact_sheets",
        "draw_candidates", "plot_tree", "plot_models", "tabulate_grouping", "tabulate_clusters", "tabulate_columns",
        "tabulate_models", "summarise_learning", "plot_learning", "draw_queries", "tabulate_stopping", "plot_stopping",
        "plot_labelling", "plot_final", "map_images", "measure_images", "find_suspects", "draw_thumbnails",
        "write_explorer", "write_report",
    ),
}  # fmt: skip
"""What a stage is called on the page → its rules; each rule is in one."""

OTHER = "Others"
_COUNTED = re.compile(r": (\d+) images, (\d+) of unlike content.*, (\d+) of them in the cache ")
_DECODED = re.compile(r": (\d+) images decoded: ")


def stage_of(rule: str) -> str:
    """Stage that a rule belongs to."""
    return next((stage for stage, rules in STAGES.items() if rule in rules), OTHER)


def sum_stages(rules: pd.DataFrame) -> list[dict[str, Any]]:
    """Sum up rules per stage.

    Parameters
    ----------
    rules : DataFrame
        From `nearlabel.report.base.provenance.read_benchmarks`.

    Returns
    -------
    list of dict
        Of every stage that ran, in the order of `STAGES`: stage, jobs, seconds (of all jobs, one after the other),
        longest (seconds of the longest job), memory (MiB, of the job that took most), share (of all seconds).
    """
    if rules.empty:
        return []
    total = rules["total_seconds"].sum()
    found = []
    for stage, own in rules.groupby(rules["rule"].map(stage_of), sort=False):
        seconds = float(own["total_seconds"].sum())
        found.append(
            {
                "stage": stage,
                "jobs": int(own["jobs"].sum()),
                "seconds": seconds,
                "longest": float(own["longest_seconds"].max()),
                "memory": float(own["peak_memory_mib"].max()),
                "share": seconds / total if total else 0.0,
            }
        )
    order = [*STAGES, OTHER]
    return sorted(found, key=lambda row: order.index(row["stage"]))


def view_cost(
    rules: pd.DataFrame, speeds: Iterable[Mapping[str, Any]] = (), changes: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Arrange what the page shows of costs.

    Parameters
    ----------
    rules : DataFrame
        As for `sum_stages`.
    speeds, changes : iterable of mapping
        From `read_speeds` and `estimate_reruns`.

    Returns
    -------
    dict
        stages, total (seconds), jobs, rules, speeds, changes.
    """
    stages = sum_stages(rules)
    return {
        "stages": stages,
        "total": sum(row["seconds"] for row in stages),
        "jobs": sum(row["jobs"] for row in stages),
        "rules": rules.to_dict("records"),
        "speeds": list(speeds),
        "changes": list(changes),
    }


def read_speeds(run_folder) -> list[dict[str, Any]]:
    """Read how many images a second the jobs encoded and decoded, from their logs and benchmarks.

    Parameters
    ----------
    run_folder : str or Path
        ``results/{run}``.

    Returns
    -------
    list of dict
        work (``features`` or ``decoding``), dataset, of (the encoder, or the size), images (of unlike content),
        computed (those that were not in the cache), seconds (of the whole jobs, start included), rate (computed images
        a second; None where nothing was computed or the time is not known). A job that ran again and found all in the
        cache shows that it computed nothing.
    """
    jobs: dict[tuple[str, str, str], list[tuple[int, int, float]]] = {}
    for rule, work in (("encode_part", "features"), ("extract_features", "features"), ("decode_images", "decoding")):
        folder = below(run_folder, LOGS) / rule
        for log in sorted(folder.rglob("*.log")):
            place = log.relative_to(folder).with_suffix("")
            if len(place.parts) > 1 and (counted := _count_images(log, work)):
                seconds = _job_seconds(below(run_folder, BENCHMARKS) / rule / f"{place}.tsv")
                jobs.setdefault((work, place.parts[0], place.parts[1]), []).append((*counted, seconds))
    rows = []
    for (work, dataset, of), found in jobs.items():
        # Where parts were encoded before, the last job finds all of them in the cache.
        images, computed, seconds = max(n for n, _, _ in found), sum(n for _, n, _ in found), sum(s for *_, s in found)
        row = {"work": work, "dataset": dataset, "of": of, "images": images, "computed": computed, "seconds": seconds}
        rows.append(row | {"rate": computed / seconds if computed and seconds > 0 else None})
    return rows


def estimate_reruns(changes: Iterable[Mapping[str, Any]], jobs: pd.DataFrame) -> list[dict[str, Any]]:
    """Say how long the jobs took that a change would run again.

    Parameters
    ----------
    changes : iterable of mapping
        From `nearlabel.plan.report.reruns.list_changes`.
    jobs : DataFrame
        From `nearlabel.report.base.provenance.read_jobs`.

    Returns
    -------
    list of dict
        text, key and note of each change; stages (their names, in order); seconds (the sum over jobs; those that the
        change makes for the first time, and those that find all in the cache, are not in it). Changes that run nothing
        of this run again are left out.
    """
    found = []
    depths = jobs["name"].map(_depth)
    for change in changes:
        seconds, rules = 0.0, set()
        for rerun in change["reruns"]:
            own = jobs[(jobs["rule"] == rerun["rule"]) & depths.between(rerun["shallowest"], rerun["deepest"])]
            if len(own):
                rules.add(rerun["rule"])
                seconds += float(own["s"].sum()) * rerun["share"]
        if rules:
            stages = {stage_of(rule) for rule in rules}
            found.append(
                {name: change[name] for name in ("text", "key", "note")}
                | {"stages": [stage for stage in (*STAGES, OTHER) if stage in stages], "seconds": seconds}
            )
    return found


def format_duration(seconds: float) -> str:
    """Return a time as a person says it: ``0.4 s``, ``41 s``, ``3 min 20 s``, ``2 h 5 min``; a dash for NaN."""
    if pd.isna(seconds):
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def format_memory(mebibytes: float) -> str:
    """Return memory as a person says it: ``420 MiB``, ``1.2 GiB``; a dash for NaN."""
    if pd.isna(mebibytes):
        return "–"
    return f"{mebibytes:.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:.1f} GiB"


def _depth(name: str) -> int:
    """Depth of the node that a job is of; jobs of no node belong to the root's depth."""
    node = next((part for part in name.split("/") if re.fullmatch(r"root(\.\d+)*", part)), "root")
    return node.count(".")


def _count_images(log: Path, work: str) -> tuple[int, int] | None:
    """Images of a job, and how many of them it computed."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if work == "decoding":
        found = _DECODED.search(text)
        return found and (int(found[1]), int(found[1]))
    found = _COUNTED.search(text)
    return found and (int(found[2]), int(found[2]) - int(found[3]))


def _job_seconds(benchmark: Path) -> float:
    return float(read_benchmark(benchmark)["s"].sum()) if benchmark.is_file() else float("nan")
