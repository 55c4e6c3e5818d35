from pathlib import Path

from nearlabel.logs import configure_logging
from nearlabel.report.collect import collect_scores
from nearlabel.report.tables import grouping_table, write_table

configure_logging(snakemake.log[0])
nodes = collect_scores(snakemake.input.scores, snakemake.input.selections)
write_table(
    grouping_table(nodes, snakemake.params.kinds),
    Path(snakemake.output.csv).with_suffix(""),
    "Best clustering of every encoder at every node.",
)
