from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.learning.data.decode import decode_images

decode_images(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    snakemake.params.network,
    snakemake.output.images,
    workers=snakemake.threads,
)
