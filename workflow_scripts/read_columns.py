from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.images.extra_columns import read_extra_columns

images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
write_csv(snakemake.output.columns, read_extra_columns(images, snakemake.params.spec, snakemake.params.columns))
