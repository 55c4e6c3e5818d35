from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.features.extract import encode_part

encode_part(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    snakemake.params.encoder,
    part=int(snakemake.wildcards.part),
    parts=int(snakemake.wildcards.parts),
    output=snakemake.output.part,
    cache=snakemake.params.cache,
    seed=snakemake.params.seed,
    reference_seed=snakemake.params.reference_seed,
    workers=snakemake.resources.workers,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
