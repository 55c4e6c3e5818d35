from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import sklearn.decomposition  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.grouping.reduction.node import reduce_node

threadpool_limits(snakemake.params.threads)
reduce_node(
    snakemake.input.features,
    snakemake.output.reduced,
    node=snakemake.wildcards.node,
    clusters=snakemake.input.get("clusters"),
    selection=snakemake.input.get("selection"),
    seed=snakemake.params.seed,
    min_overlap=float(snakemake.resources.min_overlap) if snakemake.resources.min_overlap else None,
    **snakemake.params.reduction,
)
