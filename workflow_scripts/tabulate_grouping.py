from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.report.base.tables import write_table
from nearlabel.report.grouping.collect import collect_scores
from nearlabel.report.grouping.tables.clusterings import grouping_table

nodes = collect_scores(snakemake.input.scores, snakemake.input.selections)
write_table(
    grouping_table(nodes, snakemake.params.kinds),
    Path(snakemake.output.grouping_csv).with_suffix(""),
    "Best clustering of every encoder at every node.",
)
