import pandas as pd

from nearlabel.images.duplicates import hash_images, write_hashes
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
write_hashes(snakemake.output.hashes, images["image_id"], hash_images(images["path"], workers=snakemake.threads))
