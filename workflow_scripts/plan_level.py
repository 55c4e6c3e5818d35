import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_clusters
from nearlabel.grouping.tree.growth import Limits, plan_level, read_silhouettes
from nearlabel.grouping.tree.levels import read_level
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
clusters = read_clusters(snakemake.input.clusters)
table = plan_level(
    int(snakemake.wildcards.level),
    clusters,
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    read_silhouettes(snakemake.input.reduced, snakemake.input.selections, clusters, **snakemake.params.silhouettes),
    Limits(**snakemake.params.limits),
    previous=read_level(snakemake.input.above[0]) if snakemake.input.above else None,
    deepest=snakemake.params.deepest,
    wanted=snakemake.params.wanted,
    smallest_k=snakemake.params.smallest_k,
)
write_csv(snakemake.output.table, table)
