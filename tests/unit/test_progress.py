import pytest

from nearlabel.progress import JobTimes, describe_progress, read_job_times


def test_times_of_this_run_count_instead_of_earlier_ones():
    times = JobTimes({"a": 10, "b": 4})
    assert times.left(["a", "a", "b"], 2) == (12, True)
    times.add("a", 1)
    times.add("a", 3)
    assert times.left(["a", "a", "b"], 2) == (4, True)
    assert times.left(["a", "never seen"], 0.1) == (2, False)


def test_a_clock_that_jumps_back_takes_no_time():
    times = JobTimes({})
    times.add("a", -5)
    assert times.left(["a"], 1) == (0, True)


@pytest.mark.parametrize(
    ("left", "all_known", "grows", "line"),
    [
        (200, True, False, "3 of 9 jobs done, about 3 minutes left"),
        (200, False, False, "3 of 9 jobs done, at least 3 minutes left"),
        (33, True, False, "3 of 9 jobs done, about 35 seconds left"),
        (9000, True, True, "3 of 9 jobs done, at least 2.5 hours left; more are added as the tree of groups grows"),
        (0, False, False, "3 of 9 jobs done"),
    ],
)
def test_no_more_is_said_than_is_known(left, all_known, grows, line):
    assert describe_progress(3, 9, left, all_known, grows) == line


def test_at_the_end_nothing_is_left():
    assert describe_progress(9, 9, 50, True, False) == "9 of 9 jobs done"


def test_times_are_read_from_benchmarks(tmp_path):
    for name, text in {
        "cluster/d/a.tsv": "s\tmax_rss\n2.0\t-\n",
        "cluster/d/b.tsv": "s\tmax_rss\n4.0\t-\n",
        "report.tsv": "s\n7\n",
        "bad/x.tsv": "s\n-\n",
        "empty.tsv": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_job_times(tmp_path) == {"cluster": 3.0, "report": 7.0}
    assert read_job_times(tmp_path / "none") == {}
