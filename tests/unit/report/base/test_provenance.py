import math

from nearlabel.report.base.provenance import (
    STAGE_COLUMNS,
    describe_machine,
    library_versions,
    read_benchmarks,
    read_warnings,
)

HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write_benchmark(path, seconds, memory, cpu):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEADER}{seconds}\t0:00:01\t{memory}\t-\t-\t-\t0.0\t0.0\t99.0\t{cpu}\n", encoding="utf-8")


def test_benchmarks_are_summed_per_rule_and_the_longest_stage_leads(tmp_path):
    write_benchmark(tmp_path / "cluster_images/tiles/root/k002-026.tsv", 10.5, 300.0, 9.0)
    write_benchmark(tmp_path / "cluster_images/tiles/root/k027-050.tsv", 4.5, 400.0, "-")
    write_benchmark(tmp_path / "check_images/tiles.tsv", 2.0, "NA", 1.0)
    write_benchmark(tmp_path / "tabulate_grouping.tsv", 20.0, 100.0, 1.0)
    stages = read_benchmarks(tmp_path).set_index("rule")
    assert stages.index.tolist() == ["tabulate_grouping", "cluster_images", "check_images"]
    assert stages.loc["cluster_images"].tolist() == [2, 15.0, 10.5, 9.0, 400.0]
    assert math.isnan(stages.loc["check_images", "peak_memory_mib"])


def test_an_unfinished_benchmark_counts_without_a_time_and_is_logged(tmp_path, caplog):
    (tmp_path / "write_report.tsv").write_text("", encoding="utf-8")
    stages = read_benchmarks(tmp_path)
    assert stages["jobs"].tolist() == [1]
    assert math.isnan(stages["total_seconds"][0])
    assert "write_report.tsv" in caplog.text


def test_no_benchmarks_make_an_empty_table(tmp_path):
    assert read_benchmarks(tmp_path / "missing").columns.tolist() == STAGE_COLUMNS


def test_machine_and_versions_are_text():
    described = describe_machine() | library_versions()
    assert {"processor", "cores", "gpu", "system", "python", "numpy"} <= described.keys()
    assert all(isinstance(text, str) and text for text in described.values())


def test_warnings_of_nodes_that_are_there_each_once(tmp_path):
    line = "2026-01-02 03:04:05,678 WARNING nearlabel.x: did not converge\n"
    for name in ("reduce/d/root.1/texture", "reduce/d/root.2/texture", "check_images/d", "check_images/e"):
        log = tmp_path / f"logs/{name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(line, encoding="utf-8")
    found = read_warnings(tmp_path / "logs", {"d": ["root", "root.1"]})
    assert found == {"did not converge": ["check_images/d", "check_images/e", "reduce/d/root.1/texture"]}
    assert read_warnings(tmp_path / "none", {}) == {}
