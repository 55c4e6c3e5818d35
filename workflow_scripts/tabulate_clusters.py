from pathlib import Path

from nearlabel.grouping.names import read_names
from nearlabel.logs import configure_logging
from nearlabel.report.clusters_table import tabulate_clusters
from nearlabel.report.tables import write_table

configure_logging(snakemake.log[0])
evidence, enrichment = tabulate_clusters(
    snakemake.input.clusters,
    snakemake.input.stability,
    snakemake.input.manifests,
    {dataset: read_names(file) for dataset, file in snakemake.params.names.items()},
)
for frame, path, caption in (
    (evidence, snakemake.output.clusters_csv, "Every cluster: its size, stability and most enriched near-label."),
    (enrichment, snakemake.output.enrichment_csv, "Enrichment of every near-label in every cluster."),
):
    write_table(frame, Path(path).with_suffix(""), caption)
