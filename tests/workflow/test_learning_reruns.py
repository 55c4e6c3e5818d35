"""What runs again in the learning half after one change, and a run of it that is killed."""

import os
import re
import signal
import subprocess
import sys

import pytest
import yaml

STRATEGIES, FOLDS = ("gradcam_avg",), range(3)
RUN = "results/tiny/steel/learning/gradcam_avg"
FILES = ("rounds.csv", "queries.csv", "choices.json", "maps.h5")
PER_RUN = ("run_active_learning", "find_knees", "retrain_batch")
SUMMARIES = {"summarise_learning", "plot_learning", "write_report"}


def runs(rule, strategies=STRATEGIES):
    # The explorer shows in which round images were asked for.
    shown = {"write_explorer"} if rule == "run_active_learning" else set()
    return {f"{rule}({strategy})" for strategy in strategies} | shown


def runs_by_fold(rule):
    return {f"{rule}({strategy}, {fold})" for strategy in STRATEGIES for fold in FOLDS}


def after_runs(strategies=STRATEGIES):
    rules = ("find_knees", "retrain_batch", "draw_queries")
    return set().union(*(runs(rule, strategies) for rule in rules)) | SUMMARIES


BOUND = {"train_full_pool"}
AFTER_RUNS_BY_FOLD = runs_by_fold("find_knees") | runs_by_fold("retrain_batch") | runs("draw_queries") | SUMMARIES
LEARNT_BY_FOLD = (
    runs_by_fold("run_active_learning")
    | AFTER_RUNS_BY_FOLD
    | {"write_explorer"}
    | {f"train_full_pool({fold})" for fold in FOLDS}
)
LEARNT = runs("run_active_learning") | after_runs() | BOUND


def table():
    """Change of the learning half of the config → jobs that run again."""
    return {
        "one strategy more": (
            {"strategies": [*STRATEGIES, "uncertainty"]},
            runs("run_active_learning", ["uncertainty"]) | after_runs(["uncertainty"]),
        ),
        "a strategy's parameter": (
            {"strategies": [{"name": "gradcam_avg", "parameters": {"window": 5}}]},
            runs("run_active_learning", ["gradcam_avg"]) | after_runs(["gradcam_avg"]),
        ),
        "the knee": ({"knee": {"sensitivity": 2.0}}, after_runs()),
        "how fresh models are trained": ({"retrain": {"epochs": 3}}, runs("retrain_batch") | BOUND | SUMMARIES),
        "how often a round is evaluated": (
            {"evaluate_every": 2},
            runs("run_active_learning") | after_runs(),
        ),
        "epochs": ({"epochs": 3}, LEARNT),
        "distance of near-duplicates": ({"duplicate_distance": 3}, LEARNT | {"split_folds"}),
        "one fold more": ({"folds": 4}, LEARNT | {"split_folds"}),
        "what is trained": ({"fine_tune": "last_block"}, LEARNT_BY_FOLD | {"encode_frozen_stages"}),
        # Runs and bounds were made from the same files by the same params, whichever job made them.
        "jobs": ({"job_per": "fold"}, AFTER_RUNS_BY_FOLD),
        "size of the images": (
            {"encoder": {"name": "resnet18", "image_size": 96}},
            LEARNT | {"decode_images(96)", "encode_frozen_stages"},
        ),
        "where it runs": ({"encoder": {"name": "resnet18", "image_size": 64, "device": "auto"}}, {"write_report"}),
    }


def test_changes_of_the_config(workspace):
    before = workspace.config
    for change, (changed, expected) in table().items():
        workspace.config = before | {"learning": before["learning"] | changed}
        assert workspace.jobs("learning", "report") == expected, change
    workspace.config = before
    assert workspace.jobs() == set()


def test_edits_of_library_modules(workspace):
    library = workspace.folder / "workflow_scripts/nearlabel"
    for module, expected in {
        "learning/strategies/ssim.py": runs("run_active_learning") | after_runs(),
        "learning/stopping/knee.py": after_runs(),
        "report/learning/curves_figure.py": {"plot_learning", "write_report"},
    }.items():
        text = (library / module).read_text(encoding="utf-8")
        (library / module).write_text(text + "\nEDITED = True\n", encoding="utf-8")
        assert workspace.jobs() == expected, module
        (library / module).write_text(text, encoding="utf-8")


def test_either_half_alone(tiny_run, tmp_path):
    """A plan without grouping holds no job of it, one without learning none of that."""
    only = {
        "learning": {"split_folds", "run_active_learning", "summarise_learning", "plot_learning"},
        "grouping": {"extract_features", "cluster_images", "tabulate_grouping", "tabulate_clusters"},
    }
    for half, other in (("learning", "grouping"), ("grouping", "learning")):
        config = tiny_run.config
        del config[other]
        file = tmp_path / f"{half}.yaml"
        file.write_text(yaml.safe_dump(config | {"run": half}), encoding="utf-8")
        done = tiny_run.snakemake("--dry-run", "--configfile", str(file)).stdout
        jobs = set(re.findall(r"^rule (\w+):", done, re.MULTILINE))
        assert only[half] <= jobs and "write_report" in jobs and not only[other] & jobs


# Put first on a process's path: the process group kills itself the moment a round is logged, however fast rounds are.
KILLER = """
import os, signal, sys

written = {{}}

def kill(event, arguments):
    if event != "os.rename" or not str(arguments[1]).endswith(".pt"):
        return
    folder = os.path.dirname(str(arguments[1]))
    written[folder] = written.get(folder, -1) + 1
    if len(written) == {fold} and written[folder] == {number}:
        os.killpg(os.getpgrp(), signal.SIGKILL)

sys.addaudithook(kill)
"""


def learn(workspace, tmp_path, targets, killed_in=None):
    """Make some files, or be killed as a round ends, its state not yet written."""
    if not killed_in:
        return workspace.snakemake(*targets)
    (tmp_path / "killer").mkdir()
    code = KILLER.format(fold=killed_in[0], number=killed_in[1])
    (tmp_path / "killer/sitecustomize.py").write_text(code, encoding="utf-8")
    killed = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *targets],
        cwd=workspace.folder,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "killer")},
        capture_output=True,
        start_new_session=True,
    )
    assert killed.returncode == -signal.SIGKILL
    return workspace.snakemake("--unlock")


@pytest.mark.parametrize(
    ("job_per", "fold", "round_number", "stopping"),
    [
        pytest.param("fold", 1, 0, [], marks=pytest.mark.slow),
        pytest.param("fold", 1, 3, [], marks=pytest.mark.slow),
        pytest.param("strategy", 2, 1, [], marks=pytest.mark.slow),
        pytest.param("fold", 1, 2, ["quant"], marks=pytest.mark.slow),
    ],
)
def test_killed_in_a_round_ends_with_the_same_bytes(workspace, tmp_path, job_per, fold, round_number, stopping):
    """kill -9 of the whole process group, in the first fold of a job or in its second; then the plain command again."""
    config = workspace.config
    config["learning"] |= {"batch_size": 2, "training": "warm_all", "job_per": job_per, "stopping": stopping}
    workspace.config = config
    files = (*FILES, "probabilities.h5") if stopping else FILES
    wanted = [f"{RUN}/fold{made}/{name}" for made in ((1,) if job_per == "fold" else FOLDS) for name in files]
    # Where a job has never made one of its files, Snakemake looks at no changed params: that file is asked for.
    target = wanted[-1]
    # A first, undisturbed run.
    workspace.snakemake(target)
    whole = [(workspace.folder / file).read_bytes() for file in wanted]
    assert not list((workspace.folder / "results/cache/learning").rglob("*.*"))  # the state went with the end
    (workspace.folder / target).unlink()
    place = "gradcam_avg/fold1.log" if job_per == "fold" else "gradcam_avg.log"
    log = workspace.folder / "results/tiny/logs/run_active_learning/steel" / place
    log.unlink()
    learn(workspace, tmp_path, [target], killed_in=(fold, round_number))
    assert not (workspace.folder / target).exists() or job_per == "strategy"
    learn(workspace, tmp_path, [target])
    found = [int(rounds) for rounds in re.findall(r"(\d+) finished rounds found", log.read_text(encoding="utf-8"))]
    rounds_of_a_fold = whole[0].count(b"\n") - 1
    expected = [rounds_of_a_fold] * (fold - 1) + [round_number] * (round_number > 0)
    assert found == expected
    assert [(workspace.folder / file).read_bytes() for file in wanted] == whole
    assert not list((workspace.folder / "results/cache/learning").rglob("*.*"))


@pytest.mark.slow
def test_jobs_of_folds_and_of_strategies_give_the_same_bytes(workspace):
    def learnt():
        folder = workspace.folder / "results/tiny/steel/learning"
        return {str(file): file.read_bytes() for file in folder.rglob("*") if file.suffix in (".csv", ".json")}

    expected = learnt()
    # Folds, bounds, seven files of each run, what the strategy asked for.
    assert len(expected) == 1 + 3 + 3 * 7 + 1
    config = workspace.config
    config["learning"]["job_per"] = "fold"
    workspace.config = config
    workspace.snakemake("--forcerun", "run_active_learning", "train_full_pool")
    assert learnt() == expected
