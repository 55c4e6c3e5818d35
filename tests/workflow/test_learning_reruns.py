"""What runs again in the learning half after one change, and a run of it that is killed."""

import os
import re
import signal
import subprocess
import sys

import pytest
import yaml

STRATEGIES, FOLDS = ("gradcam_avg",), range(3)
PER_RUN = ("run_active_learning", "find_knees", "retrain_batch")
SUMMARIES = {"summarise_learning", "plot_learning", "write_report"}


def runs(rule, strategies=STRATEGIES):
    return {f"{rule}({strategy}, {fold})" for strategy in strategies for fold in FOLDS}


def after_runs(strategies=STRATEGIES):
    return runs("find_knees", strategies) | runs("retrain_batch", strategies) | SUMMARIES


BOUND = {f"train_full_pool({fold})" for fold in FOLDS}
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
        "one fold more": (
            {"folds": 4},
            LEARNT
            | {"split_folds", "train_full_pool(3)"}
            | {
                f"{rule}({s}, 3)" for rule in ("run_active_learning", "find_knees", "retrain_batch") for s in STRATEGIES
            },
        ),
        "what is trained": ({"fine_tune": "last_block"}, LEARNT | {"encode_frozen_stages"}),
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
import logging, os, signal

class Kill(logging.Filter):
    def filter(self, record):
        if record.getMessage().startswith("round {number}:"):
            os.killpg(os.getpgrp(), signal.SIGKILL)
        return True

logging.getLogger("nearlabel.learning.simulation.engine").addFilter(Kill())
"""


@pytest.mark.parametrize("round_number", [0, 1, 3])
def test_killed_in_a_round_ends_with_the_same_bytes(workspace, tmp_path, round_number):
    """kill -9 of the whole process group as a round ends, its state not yet written; then the plain command again."""
    config = workspace.config
    config["learning"] |= {"strategies": ["gradcam_avg"], "batch_size": 2, "training": "warm_all"}
    workspace.config = config
    folder = "results/tiny/steel/learning/gradcam_avg/fold1"
    wanted = [f"{folder}/{name}" for name in ("rounds.csv", "queries.csv", "choices.json")]
    # A first, undisturbed run.
    workspace.snakemake(wanted[0])
    whole = [(workspace.folder / file).read_bytes() for file in wanted]
    assert not list((workspace.folder / "results/cache/learning").rglob("*.pt"))  # the state went with the end
    (workspace.folder / wanted[0]).unlink()
    log = workspace.folder / "results/tiny/logs/run_active_learning/steel/gradcam_avg/fold1.log"
    log.unlink()
    (tmp_path / "killer").mkdir()
    (tmp_path / "killer/sitecustomize.py").write_text(KILLER.format(number=round_number), encoding="utf-8")
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", wanted[0]]
    killed = subprocess.run(
        command,
        cwd=workspace.folder,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "killer")},
        capture_output=True,
        start_new_session=True,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (workspace.folder / wanted[0]).exists()
    workspace.snakemake("--unlock")
    workspace.snakemake(wanted[0])
    found = re.search(r"(\d+) finished rounds found", log.read_text(encoding="utf-8"))
    assert int(found[1] if found else 0) == round_number
    assert [(workspace.folder / file).read_bytes() for file in wanted] == whole
