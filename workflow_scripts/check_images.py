from nearlabel.images.checks import check_images, require_accepted
from nearlabel.images.datasets import read_dataset
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
dataset = read_dataset(snakemake.params.spec)
images, rejected = check_images(
    dataset,
    sample=snakemake.params.sample,
    max_pixels=snakemake.params.max_pixels,
    workers=snakemake.threads,
)
# What was rejected is worth seeing most when too much was: written beside the log, which outlives a failed job.
rejected.to_csv(snakemake.log.rejected, index=False)
require_accepted(images, rejected, snakemake.params.min_accepted, by_name=len(dataset.rejected))
images.to_csv(snakemake.output.images, index=False)
rejected.to_csv(snakemake.output.rejected, index=False)
