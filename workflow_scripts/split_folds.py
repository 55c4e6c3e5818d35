import pandas as pd

from nearlabel.images.files import write_csv
from nearlabel.learning.folds import split_folds
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
folds = split_folds(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    pd.read_csv(snakemake.input.manifest, dtype=str, keep_default_na=False),
    positive=snakemake.params.positive,
    folds=snakemake.params.folds,
    distance=snakemake.params.distance,
    seed=snakemake.params.seed,
    workers=snakemake.threads,
)
write_csv(snakemake.output.folds, folds)
