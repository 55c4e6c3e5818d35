from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import sklearn.decomposition  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.grouping.models.node import train_node

threadpool_limits(snakemake.params.threads)
train_node(
    snakemake.input.features,
    images=snakemake.input.images,
    hashes=snakemake.input.hashes,
    near_labels=snakemake.input.get("near_labels"),
    clusters=snakemake.input.clusters,
    selection=snakemake.input.selection,
    target=snakemake.wildcards.target,
    **snakemake.params.classification,
    reduction=snakemake.params.reduction,
    encoders=snakemake.params.encoders,
    seed=snakemake.params.seed,
    dataset=snakemake.wildcards.dataset,
    node=snakemake.wildcards.node,
    output=dict(snakemake.output.items()),
)
