from pathlib import Path

from nearlabel.logs import configure_logging
from nearlabel.report.learning_collect import collect_learning
from nearlabel.report.learning_figure import plot_learning
from nearlabel.report.strategies_figure import plot_strategies

configure_logging(snakemake.log[0])
run = Path(snakemake.output.learning_svg).parents[1]
runs = collect_learning(run, snakemake.wildcards.dataset, snakemake.params.strategies, snakemake.params.folds)
plot_learning(runs, Path(snakemake.output.learning_svg).with_suffix(""))
plot_strategies(runs, Path(snakemake.output.strategies_svg).with_suffix(""))
