"""What a run costs: every rule in one stage, sums, rates from logs, what a change would take."""

import math
import re

import pandas as pd
import pytest

from helpers.places import REPOSITORY
from nearlabel.report.base.cost import (
    STAGES,
    estimate_reruns,
    format_duration,
    format_memory,
    read_speeds,
    stage_of,
    sum_stages,
    view_cost,
)
from nearlabel.report.base.provenance import STAGE_COLUMNS, read_benchmarks, read_jobs

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_benchmark(folder, job, seconds, memory=100.0):
    write(folder / f"benchmarks/{job}.tsv", f"{HEADER}{seconds}\t0:00:01\t{memory}\t-\t-\t-\t0.0\t0.0\t99.0\t1.0\n")


def test_every_rule_that_is_measured_is_in_one_stage():
    rules = []
    for file in sorted((REPOSITORY / "rules").glob("*.smk")):
        rules += re.findall(r"run_files\.benchmark\(\s*\"(\w+)\"", file.read_text(encoding="utf-8"))
    assert len(rules) > 40
    assert sorted(rule for own in STAGES.values() for rule in own) == sorted(rules)
    assert stage_of("unheard_of") == "Others"


def test_stages_sum_up_their_rules_in_the_order_of_the_work(tmp_path):
    write_benchmark(tmp_path, "plot_tree/d", 5.0, 300)
    write_benchmark(tmp_path, "cluster_images/d/root/texture/kmeans/k002-003", 30.0, 200)
    write_benchmark(tmp_path, "reduce_features/d/root/texture", 10.0, 900)
    write_benchmark(tmp_path, "unheard_of", 5.0)
    found = sum_stages(read_benchmarks(tmp_path / "benchmarks"))
    assert [row["stage"] for row in found] == ["Clustering", "Report", "Others"]
    assert found[0] == {"stage": "Clustering", "jobs": 2, "seconds": 40, "longest": 30, "memory": 900, "share": 0.8}
    view = view_cost(read_benchmarks(tmp_path / "benchmarks"))
    assert (view["total"], view["jobs"]) == (50, 4)
    assert view_cost(pd.DataFrame(columns=STAGE_COLUMNS))["stages"] == []


def encoded(images, cached, parts=""):
    line = "2026-01-02 03:04:05,678 INFO nearlabel.features.encoding.extraction: net"
    return (
        f"{line}: {images} images, {images} of unlike content{parts}, {cached} of them in the cache results/cache/a\n"
    )


def test_speeds_are_those_of_what_was_computed(tmp_path):
    write(tmp_path / "logs/extract_features/d/fresh.log", encoded(100, 20))
    write_benchmark(tmp_path, "extract_features/d/fresh", 4.0)
    write(tmp_path / "logs/extract_features/d/v1.0.log", encoded(100, 100))
    write_benchmark(tmp_path, "extract_features/d/v1.0", 2.0)
    write(tmp_path / "logs/decode_images/d/64x96.log", "2026-01-02 03:04:05,678 INFO x: 50 images decoded: {}\n")
    write_benchmark(tmp_path, "decode_images/d/64x96", 2.0)
    write(tmp_path / "logs/decode_images/d/32.log", "killed before it said anything\n")
    found = {row["of"]: row for row in read_speeds(tmp_path)}
    assert set(found) == {"fresh", "v1.0", "64x96"}
    assert found["fresh"] == {
        "work": "features", "dataset": "d", "of": "fresh", "images": 100, "computed": 80, "seconds": 4.0, "rate": 20.0,
    }  # fmt: skip
    assert found["v1.0"]["computed"] == 0 and found["v1.0"]["rate"] is None
    assert found["64x96"]["work"] == "decoding" and found["64x96"]["rate"] == 25


def test_speeds_of_parts_are_summed_and_an_unknown_time_gives_no_rate(tmp_path):
    for part in (0, 1):
        write(tmp_path / f"logs/encode_part/d/net/{part}/2.log", encoded(50, 0, f" in part {part + 1} of 2"))
        write_benchmark(tmp_path, f"encode_part/d/net/{part}/2", 5.0)
    write(tmp_path / "logs/extract_features/d/net.log", encoded(100, 100))
    write_benchmark(tmp_path, "extract_features/d/net", 10.0)
    [found] = read_speeds(tmp_path)
    assert (found["images"], found["computed"], found["seconds"], found["rate"]) == (100, 100, 20, 5)
    (tmp_path / "benchmarks/extract_features/d/net.tsv").unlink()
    [found] = read_speeds(tmp_path)
    assert found["rate"] is None and math.isnan(found["seconds"])
    assert read_speeds(tmp_path / "nowhere") == []


def change(*reruns, text="x"):
    names = ("rule", "share", "shallowest", "deepest")
    return {"text": text, "key": "k", "note": "", "reruns": [dict(zip(names, rerun, strict=True)) for rerun in reruns]}


def test_a_change_takes_its_share_of_the_jobs_of_its_depths(tmp_path):
    write_benchmark(tmp_path, "cluster_images/d/root/texture/kmeans/k002-003", 30.0)
    write_benchmark(tmp_path, "cluster_images/d/root.1/winner/kmeans/k002-003", 8.0)
    write_benchmark(tmp_path, "cluster_images/d/root.1.25/winner/kmeans/k002-003", 4.0)
    write_benchmark(tmp_path, "write_report", 1.0)
    jobs = read_jobs(tmp_path / "benchmarks")
    every, below = ("cluster_images", 1, 0, 1000), ("cluster_images", 1, 1, 1000)
    page, never = ("write_report", 1, 0, 1000), ("train_final", 1, 0, 1000)
    found = estimate_reruns(
        [
            change(every, page, text="all"),
            change(below, text="below"),
            change(("cluster_images", 0.5, 0, 0), below, never, text="half of the root's"),
            change(never, text="never"),
        ],
        jobs,
    )
    assert {row["text"]: row["seconds"] for row in found} == {"all": 43, "below": 12, "half of the root's": 27}
    assert found[0]["stages"] == ["Clustering", "Report"]
    assert estimate_reruns([change(every)], read_jobs(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min"), (200, "3 min 20 s"),
        (3599.6, "1 h"), (7500, "2 h 5 min"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_durations(seconds, said):
    assert format_duration(seconds) == said


def test_memory():
    assert [format_memory(m) for m in (3.2, 999, 1229, float("nan"))] == ["3 MiB", "999 MiB", "1.2 GiB", "–"]
