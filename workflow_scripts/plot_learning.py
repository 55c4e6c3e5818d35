from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel import run_files
from nearlabel.report.learning.collect import collect_learning
from nearlabel.report.learning.curves_figure import plot_learning
from nearlabel.report.learning.strategies_figure import plot_strategies

run = run_files.run_folder(run_files.DATASET_FIGURE, snakemake.output.learning_svg)
runs = collect_learning(run, snakemake.wildcards.dataset, snakemake.params.strategies, snakemake.params.folds)
plot_learning(runs, Path(snakemake.output.learning_svg).with_suffix(""))
plot_strategies(runs, Path(snakemake.output.strategies_svg).with_suffix(""))
