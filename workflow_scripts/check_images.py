from nearlabel.images.checks import check_images, require_accepted
from nearlabel.images.datasets import read_dataset
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
images, rejected = check_images(
    read_dataset(snakemake.params.spec),
    sample=snakemake.params.sample,
    max_pixels=snakemake.params.max_pixels,
    workers=snakemake.threads,
)
images.to_csv(snakemake.output.images, index=False)
rejected.to_csv(snakemake.output.rejected, index=False)
require_accepted(images, rejected, snakemake.params.min_accepted)
