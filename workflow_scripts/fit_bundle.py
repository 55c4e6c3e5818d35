from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import os
from pathlib import Path

import sklearn.decomposition  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.production.bundle.fitting.fit import fit_bundle
from nearlabel.production.bundle.fitting.labels import choose_model

given, params = snakemake.input, snakemake.params
threadpool_limits(params.threads)
network, predictions = given.network or (None, None)
fit_bundle(
    Path(snakemake.output.newest).parent,
    images=given.images,
    hashes=given.hashes,
    near_labels=given.near_labels,
    features=given.features,
    clusters=given.clusters,
    selections=given.selections,
    place=given.place,
    names=next(iter(given.names), None),
    answers=given.answers,
    network=network,
    predictions=predictions,
    model=choose_model(params.models, next(iter(given.summary), None)),
    settings=params.settings,
    reductions=params.reductions,
    encoders=params.encoders,
    runtime=params.runtime,
    cache=params.cache,
    run=snakemake.wildcards.run,
    dataset=snakemake.wildcards.dataset,
    config_hash=os.environ["NEARLABEL_CONFIG_HASH"],
    seed=params.seed,
    workers=snakemake.threads,
)
