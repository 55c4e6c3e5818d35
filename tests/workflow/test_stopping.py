"""Stopping rules in the workflow: a run with all of them, what runs again for one more, and what is there without."""

import h5py
import pandas as pd
import pytest

from nearlabel.learning.stopping.catalogue import RULE_PARAMETERS
from nearlabel.learning.stopping.needs import asks_for_probabilities, asks_for_validation
from nearlabel.learning.stopping.stops import STOP_TYPES

RUN = "results/tiny/steel/learning/gradcam_avg"
STOPS = {"find_stops(gradcam_avg)", "tabulate_stopping", "plot_stopping", "write_report"}
RUNS = {f"{rule}(gradcam_avg)" for rule in ("run_active_learning", "find_knees", "retrain_batch", "draw_queries")}
RUNS |= {"summarise_learning", "plot_learning", "write_explorer"}


def ask(workspace, rules, **keys):
    config = workspace.config
    config["learning"] |= {"stopping": rules} | keys
    workspace.config = config


def stops_of(workspace):
    files = sorted((workspace.folder / RUN).glob("fold*/stops.csv"))
    assert len(files) == 3
    return [pd.read_csv(file).set_index("rule") for file in files]


def budget_of(workspace):
    """The rule's line in the file of each fold."""
    files = sorted((workspace.folder / RUN).glob("fold*/stops.csv"))
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if "budget" in line]
    assert len(lines) == 3
    return lines


def test_without_rules_there_is_nothing_of_them(workspace):
    folder = workspace.folder / "results"
    for pattern in ("stops.csv", "probabilities.h5", "*stopping*"):
        assert not list(folder.rglob(pattern))
    ask(workspace, [])
    # The page shows the config as it is written out, defaults and all: that an empty list stands there changes nothing.
    assert workspace.jobs() == set()


@pytest.mark.slow
def test_one_rule_more_runs_what_it_needs_and_no_more(workspace):
    for rule in RULE_PARAMETERS:
        if not asks_for_validation(rule):
            ask(workspace, [rule])
            assert workspace.jobs() == (STOPS | RUNS if asks_for_probabilities(rule) else STOPS), rule


@pytest.mark.slow
def test_rules_come_and_go(workspace):
    ask(workspace, ["budget"])
    rounds = workspace.folder / RUN / "fold2/rounds.csv"
    before = rounds.stat().st_mtime_ns
    workspace.snakemake()
    assert workspace.jobs() == set()
    assert rounds.stat().st_mtime_ns == before
    first, learnt = budget_of(workspace), rounds.read_bytes()
    ask(workspace, ["budget", {"id": "most", "name": "certify", "parameters": {"recall": 0.8}}])
    assert workspace.jobs() == STOPS
    ask(workspace, [{"id": "least", "name": "budget"}])
    assert workspace.jobs() == STOPS
    ask(workspace, ["budget", "quant"])
    assert workspace.jobs() == STOPS | RUNS
    workspace.snakemake()
    # What is learnt besides is the same, and so is what a rule makes of it.
    assert budget_of(workspace) == first and rounds.read_bytes() == learnt
    ask(workspace, ["budget"])
    assert workspace.jobs() == STOPS
    # Probabilities that lie there serve another rule, too, as long as they are of this run.
    ask(workspace, ["kappa"])
    assert workspace.jobs() == STOPS
    ask(workspace, ["kappa"], epochs=3)
    assert workspace.jobs() == STOPS | RUNS | {"train_full_pool"}
    ask(workspace, [], epochs=2)
    assert workspace.jobs() == {"write_report"}


@pytest.mark.slow
@pytest.mark.parametrize("job_per", ["strategy", "fold"])
def test_all_rules_in_a_tiny_run(workspace, job_per):
    ask(workspace, list(RULE_PARAMETERS), stratified=False, job_per=job_per)
    workspace.snakemake("learning", "report")
    assert workspace.jobs() == set()
    for fold, stops in enumerate(stops_of(workspace)):
        assert stops.index.tolist() == list(RULE_PARAMETERS)
        assert stops.reset_index().columns.tolist() == list(STOP_TYPES)
        rounds = pd.read_csv(workspace.folder / RUN / f"fold{fold}/rounds.csv")
        with h5py.File(workspace.folder / RUN / f"fold{fold}/probabilities.h5") as file:
            assert file["probabilities"].shape == (len(rounds), rounds["n_labelled"].iloc[-1])
            assert file["n_labelled"][:].tolist() == rounds["n_labelled"].tolist()
        assert stops["full_pool_auc"].nunique() == 1
    table = pd.read_csv(workspace.folder / "results/tiny/tables/stopping.csv")
    assert table["rule"].tolist() == list(RULE_PARAMETERS) and (table["folds"] == 3).all()
    assert table.loc[table["guarantees"], "rule"].tolist() == ["certify"]
    for suffix in ("md", "tex"):
        assert (workspace.folder / f"results/tiny/tables/stopping.{suffix}").stat().st_size > 1000
    for suffix in ("svg", "png"):
        assert (workspace.folder / f"results/tiny/figures/steel_stopping.{suffix}").stat().st_size > 5000
    page = (workspace.folder / "results/tiny/report/index.html").read_text(encoding="utf-8")
    assert "Only certify (recall 0.95) guarantees the target recall" in page


def test_a_stratified_validation_set_is_refused_when_the_workflow_is_parsed(workspace):
    ask(workspace, ["auc_plateau"])
    done = workspace.snakemake("--dry-run", check=False)
    assert done.returncode == 1
    assert "set learning.stratified to false or leave the rule out" in done.stdout + done.stderr
