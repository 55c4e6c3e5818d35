from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel import run_files
from nearlabel.report.base.cost import estimate_reruns, read_speeds
from nearlabel.report.base.ledger import read_ledgers
from nearlabel.report.base.links import link_to
from nearlabel.report.base.provenance import (
    describe_machine,
    library_versions,
    read_benchmarks,
    read_jobs,
    read_warnings,
)
from nearlabel.report.grouping.collect import collect_dataset, read_evidence
from nearlabel.report.labelling.view import view_labelling
from nearlabel.report.learning.asked_view import view_asked
from nearlabel.report.learning.collect import collect_learning
from nearlabel.report.learning.stopping.view import view_stopping
from nearlabel.report.page import write_page

run, folder = run_files.run_folder(run_files.PAGE, snakemake.output.page), Path(snakemake.output.page).parent
config = snakemake.params.config
grouped, learnt, stopping, asked = [], [], {}, {}
if config["grouping"]:
    tables = {
        run_files.fields_of(run_files.TABLE, path)["table"]: read_evidence(path)
        for path in snakemake.input.grouping_tables
    }
    grouped = [
        collect_dataset(
            run,
            dataset,
            nodes=nodes,
            scores=snakemake.input.scores,
            features=snakemake.input.features,
            figures=snakemake.input.figures,
            levels=levels,
            tables=tables,
            names=config["grouping"]["names"].get(dataset),
            classifications=snakemake.params.classifications,
            assigned=config["datasets"][dataset]["near_labels"],
        )
        for (dataset, nodes), levels in zip(snakemake.params.nodes.items(), snakemake.input.levels, strict=True)
    ]
learning = snakemake.params.learning or {}
if learning:
    positive = config["learning"].get("positive")
    learnt = [
        collect_learning(run, dataset, learning["strategies"], learning["folds"], positive=positive)
        for dataset in learning["datasets"]
    ]
    asked = {dataset: view_asked(run, dataset, learning["strategies"]) for dataset in learning["datasets"]}
    if learning.get("rules"):
        stopping = {
            dataset: view_stopping(run, dataset, learning["strategies"], learning["folds"], learning["rules"])
            for dataset in learning["datasets"]
        }
labelling = None
if config["labelling"]:
    labelling = view_labelling(config["labelling"]["dataset"], *snakemake.input.status, *snakemake.input.progress)
write_page(
    snakemake.output.page,
    run=config["run"],
    config=config,
    command=snakemake.params.command,
    versions=library_versions(),
    machine=describe_machine(),
    # Records of jobs, no results: the page says what they were when it was made.
    stages=read_benchmarks(run_files.below(run, run_files.BENCHMARKS)),
    speeds=read_speeds(run),
    changes=estimate_reruns(snakemake.params.changes, read_jobs(run_files.below(run, run_files.BENCHMARKS))),
    warnings=read_warnings(run_files.below(run, run_files.LOGS), snakemake.params.nodes),
    datasets=grouped,
    kinds={name: dataset["kind"] for name, dataset in config["datasets"].items()},
    learning=learnt,
    stopping=stopping,
    asked=asked,
    labelling=labelling,
    strategies=learning.get("strategies"),
    settings=learning.get("settings"),
    explorers={
        data.name: link_to(
            run_files.below(run, run_files.EXPLORER, dataset=data.name), Path(snakemake.output.page).parent
        )
        for data in grouped
    },
    ledgers=read_ledgers(snakemake.input.ledgers, snakemake.input.near_duplicates),
)
