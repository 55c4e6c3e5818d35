from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd
import sklearn.cluster  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_clusters
from nearlabel.grouping.tree.growth import Limits, measure_groups, plan_level
from nearlabel.grouping.tree.levels import read_level

threadpool_limits(snakemake.params.threads)
clusters = read_clusters(snakemake.input.clusters)
near_labels = pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False)
limits = Limits(**snakemake.params.limits)
structure = {}
if not snakemake.params.deepest:
    structure = measure_groups(
        snakemake.input.reduced,
        snakemake.input.selections,
        clusters,
        near_labels,
        limits,
        **snakemake.params.next_level,
        seed=snakemake.params.seed,
    )
table = plan_level(
    int(snakemake.wildcards.level),
    clusters,
    near_labels,
    structure,
    limits,
    previous=read_level(snakemake.input.above[0]) if snakemake.input.above else None,
    deepest=snakemake.params.deepest,
    wanted=snakemake.params.wanted,
    smallest_k=snakemake.params.smallest_k,
)
write_csv(snakemake.output.table, table)
