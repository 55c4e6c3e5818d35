from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel import run_files
from nearlabel.report.learning.stopping.stops import collect_stops, compared_rules
from nearlabel.report.learning.stopping.table import write_stopping_table

run = run_files.run_folder(run_files.TABLE, snakemake.output.stopping_csv)
rules = compared_rules(snakemake.params.rules)
parts = [
    collect_stops(run, dataset, snakemake.params.strategies, snakemake.params.folds, rules)
    for dataset in snakemake.params.datasets
]
write_stopping_table(parts, rules, Path(snakemake.output.stopping_csv).with_suffix(""))
