from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.grouping.tree.names import read_names
from nearlabel.report.base.tables import write_table
from nearlabel.report.grouping.tables.clusters import tabulate_clusters

evidence, enrichment = tabulate_clusters(
    snakemake.input.clusters,
    snakemake.input.stability,
    snakemake.input.near_labels,
    {dataset: read_names(file) for dataset, file in snakemake.params.names.items()},
)
for frame, path, caption in (
    (evidence, snakemake.output.clusters_csv, "Every cluster: its size, stability and most enriched near-label."),
    (enrichment, snakemake.output.enrichment_csv, "Enrichment of every near-label in every cluster."),
):
    write_table(frame, Path(path).with_suffix(""), caption)
