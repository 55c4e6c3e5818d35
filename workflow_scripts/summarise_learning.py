from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel import run_files
from nearlabel.report.learning.collect import collect_learning
from nearlabel.report.learning.tables import write_learning_tables

run = run_files.run_folder(run_files.TABLE, snakemake.output.table1_csv)
strategies, kinds = snakemake.params.strategies, snakemake.params.datasets
runs = [collect_learning(run, dataset, strategies, snakemake.params.folds) for dataset in kinds]
write_learning_tables(runs, kinds, strategies, Path(snakemake.output.table1_csv).parent)
