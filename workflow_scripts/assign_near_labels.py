from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.images.near_labels import assign_near_labels

images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
near_labels = assign_near_labels(images, snakemake.params.near_labels)
write_csv(snakemake.output.near_labels, near_labels)
