from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel import run_files
from nearlabel.report.learning.stopping.figure import plot_stopping
from nearlabel.report.learning.stopping.stops import collect_stops, compared_rules, hold_to_targets

run, dataset = (
    run_files.run_folder(run_files.DATASET_FIGURE, snakemake.output.stopping_svg),
    snakemake.wildcards.dataset,
)
rules = compared_rules(snakemake.params.rules)
stops = collect_stops(run, dataset, snakemake.params.strategies, snakemake.params.folds, rules)
held = hold_to_targets(stops, run, dataset, rules, snakemake.params.positive)
plot_stopping(held, rules, Path(snakemake.output.stopping_svg).with_suffix(""))
