from pathlib import Path

from nearlabel.files import write_csv
from nearlabel.images.checks import check_images, require_accepted
from nearlabel.images.readers import read_dataset
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
dataset = read_dataset(snakemake.params.spec)
images, rejected = check_images(
    dataset,
    sample=snakemake.params.sample,
    max_pixels=snakemake.params.max_pixels,
    workers=snakemake.threads,
)
# What was rejected is worth seeing most when it was too much: beside the log, which outlives a failed job.
listing = Path(snakemake.log[0]).with_name(f"{snakemake.wildcards.dataset}_rejected.csv")
write_csv(listing, rejected)
by_name = len(dataset.rejected)
require_accepted(images, rejected, snakemake.params.min_accepted, listing=listing, by_name=by_name)
write_csv(snakemake.output.images, images)
write_csv(snakemake.output.rejected, rejected)
