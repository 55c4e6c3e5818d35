from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.report.base.tables import write_table
from nearlabel.report.grouping.tables.columns import tabulate_columns

agreement, enrichment = tabulate_columns(
    snakemake.input.clusters,
    snakemake.input.verdicts,
    snakemake.input.columns,
    permutations=snakemake.params.permutations,
    seed=snakemake.params.seed,
)
for frame, path, caption in (
    (agreement, snakemake.output.columns_csv, "What the groups share with further columns of the data set's table."),
    (enrichment, snakemake.output.column_enrichment_csv, "Enrichment of every value of those in every cluster."),
):
    write_table(frame, Path(path).with_suffix(""), caption)
