from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.images.duplicates import find_duplicates, hash_images, write_hashes
from nearlabel.images.scales import full_ranges

images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
hashes = hash_images(images["path"], workers=snakemake.threads, full_ranges=full_ranges(images))
write_hashes(snakemake.output.hashes, images["image_id"], hashes)
write_csv(snakemake.output.duplicates, find_duplicates(images, hashes))
