import sklearn.decomposition  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.grouping.training import train_node
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
threadpool_limits(snakemake.params.threads)
train_node(
    snakemake.input.features,
    images=snakemake.input.images,
    manifest=snakemake.input.manifest,
    clusters=snakemake.input.clusters,
    selection=snakemake.input.selection,
    target=snakemake.wildcards.target,
    models=snakemake.params.models,
    folds=snakemake.params.folds,
    choose=snakemake.params.choose,
    normal=snakemake.params.normal,
    reduction=snakemake.params.reduction,
    encoders=snakemake.params.encoders,
    seed=snakemake.params.seed,
    dataset=snakemake.wildcards.dataset,
    node=snakemake.wildcards.node,
    output=dict(snakemake.output.items()),
)
