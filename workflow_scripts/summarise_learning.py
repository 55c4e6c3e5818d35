from pathlib import Path

from nearlabel.logs import configure_logging
from nearlabel.report.learning_collect import collect_learning
from nearlabel.report.learning_tables import write_learning_tables

configure_logging(snakemake.log[0])
tables = Path(snakemake.output[0]).parent
strategies, kinds = snakemake.params.strategies, snakemake.params.datasets
runs = [collect_learning(tables.parent, dataset, strategies, snakemake.params.folds) for dataset in kinds]
write_learning_tables(runs, kinds, strategies, tables)
