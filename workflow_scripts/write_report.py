from pathlib import Path

import yaml

from nearlabel.logs import configure_logging
from nearlabel.report.collect import collect_dataset
from nearlabel.report.page import write_page
from nearlabel.report.provenance import describe_machine, library_versions, read_benchmarks

configure_logging(snakemake.log[0])
run = Path(snakemake.output.page).parents[1]
config = snakemake.params.config
write_page(
    snakemake.output.page,
    run=config["run"],
    config=yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    versions=library_versions(),
    machine=describe_machine(),
    stages=read_benchmarks(run / "benchmarks"),
    datasets=[
        collect_dataset(
            run,
            dataset,
            nodes=snakemake.params.nodes,
            scores=snakemake.input.scores,
            features=snakemake.input.features,
        )
        for dataset in snakemake.params.datasets
    ],
    kinds={name: dataset["kind"] for name, dataset in config["datasets"].items()},
)
