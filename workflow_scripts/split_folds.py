from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.images.duplicates import read_hashes
from nearlabel.learning.data.splitting import split_folds

images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
folds = split_folds(
    images,
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    read_hashes(snakemake.input.hashes, images["image_id"]),
    **snakemake.params.splitting,
)
write_csv(snakemake.output.folds, folds)
