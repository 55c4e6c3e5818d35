from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_json
from nearlabel.images.thumbnails import draw_thumbnails

index = draw_thumbnails(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    snakemake.output.thumbnails,
    seed=snakemake.params.seed,
    workers=snakemake.threads,
)
write_json(snakemake.output.index, index)
