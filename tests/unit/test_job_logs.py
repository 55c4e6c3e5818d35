import logging
import subprocess
import sys

from nearlabel.endings import describe_failures, describe_kept
from nearlabel.job_logs import collect_warnings, read_failure
from nearlabel.logs import job_name, plain_warning

JOB = """
import logging, warnings
from nearlabel.logs import configure_logging
configure_logging({log!r})
logging.info("round 3")
logging.getLogger("nearlabel").warning("two\\nlines")
logging.getLogger("nearlabel").warning("a table:\\n  row 1\\n  row 2")
warnings.warn("did not converge")
{then}
"""


def run(log, then=""):
    return subprocess.run(
        [sys.executable, "-c", JOB.format(log=str(log), then=then)], capture_output=True, text=True, check=False
    )


def test_lines_on_the_terminal_say_which_job_speaks_and_warnings_are_called_so(tmp_path):
    log = tmp_path / "logs/run_active_learning/steel/random/fold0.log"
    said = run(log).stderr.splitlines()
    job = "run_active_learning/steel/random/fold0"
    assert said[:2] == [f"{job}: round 3", f"{job}: warning: two lines"]
    assert said[2:] == [f"{job}: warning: a table:", "  row 1", "  row 2", f"{job}: warning: did not converge"]


def test_warnings_of_jobs_each_once(tmp_path):
    logs = [tmp_path / f"logs/rule/{name}.log" for name in "ab"]
    for log in logs:
        run(log)
    (tmp_path / "logs/other.log").write_bytes(b"\xff no such log\n")
    found = collect_warnings([*logs, tmp_path / "logs/other.log", tmp_path / "gone.log"])
    assert found == {key: ["rule/a", "rule/b"] for key in ["two lines", "a table:", "did not converge"]}


def test_a_job_ends_with_one_sentence_on_one_line(tmp_path):
    log = tmp_path / "logs/rule/a.log"
    done = run(log, "raise ValueError('names.csv:\\n  row 3 is wrong')")
    assert done.returncode == 1 and done.stderr.splitlines()[-2:] == [
        "ValueError: names.csv:",
        "  row 3 is wrong",
    ]
    assert read_failure(log) == "ValueError: names.csv: row 3 is wrong"
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_an_interrupted_job_prints_no_traceback(tmp_path):
    log = tmp_path / "logs/rule/a.log"
    done = run(log, "raise KeyboardInterrupt")
    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert read_failure(log) is None
    assert describe_failures([log, tmp_path / "none.log"]) == ["interrupted: the same command goes on from here"]


def test_names_of_jobs():
    assert job_name("results/logs/logs/rule/logs/fold0.log") == "rule/logs/fold0"
    assert job_name("results/tiny/logs/write_report.log") == "write_report"
    assert job_name("elsewhere.log") == "elsewhere"


def test_a_warnings_own_words():
    formatted = logging.warnings.formatwarning("lbfgs failed\nto converge", UserWarning, "/lib/a.py", 3, "fit(x)")
    assert plain_warning(formatted) == "lbfgs failed to converge"
    assert plain_warning("images: 3 are constant") == "images: 3 are constant"


def test_the_last_words_of_a_run(tmp_path):
    logs = [tmp_path / f"logs/rule/{name}.log" for name in "abcd"]
    for log, then in zip(logs, ["raise ValueError('x')"] * 2 + ["raise OSError('y')", ""], strict=True):
        run(log, then)
    assert describe_failures(logs) == ["failed: rule/a, rule/b: ValueError: x", "failed: rule/c: OSError: y"]
    assert describe_failures(logs[3:]) == [f"failed: killed, or ended without a word in its log: {logs[3]}"]
    error = "WorkflowError in rule x:\n  Output is missing"
    assert describe_failures([], ["Exiting because", error]) == ["failed: " + " ".join(error.split())]
    assert describe_failures(logs[3:], ["x died with <Signals.SIGINT: 2>."])[0].startswith("interrupted: ")
    assert describe_failures([]) == ["interrupted: the same command goes on from here"]
    assert describe_kept([]) == []
    assert describe_kept(list("abcdefg"))[0].endswith("a, b, c, d, e and 2 more")
