import pandas as pd

from nearlabel.features.extract import extract_features
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
extract_features(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    snakemake.params.encoder,
    output=snakemake.output.features,
    cache=snakemake.params.cache,
    seed=snakemake.params.seed,
    **snakemake.params.runtime,
)
