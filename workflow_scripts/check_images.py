from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.files import write_csv
from nearlabel.images.checks import check_images, require_accepted
from nearlabel.images.ledger import log_ledger, make_ledger
from nearlabel.images.readers import read_dataset
from nearlabel.images.scales import Scale

dataset = read_dataset(snakemake.params.spec)
facts = {}
images, rejected = check_images(
    dataset,
    sample=snakemake.params.sample,
    max_pixels=snakemake.params.max_pixels,
    max_aspect=snakemake.params.max_aspect,
    scale=Scale(**snakemake.params.scale),
    workers=snakemake.threads,
    facts=facts,
)
# What was rejected is worth seeing most when it was too much: beside the log, which outlives a failed job.
listing = Path(snakemake.log[0]).with_name(f"{snakemake.wildcards.dataset}_rejected.csv")
write_csv(listing, rejected)
ledger = make_ledger(images, rejected, dataset.left_out, facts)
log_ledger(ledger, snakemake.wildcards.dataset, listing)
by_name = len(dataset.left_out)
require_accepted(images, rejected, snakemake.params.min_accepted, listing=listing, by_name=by_name)
write_csv(snakemake.output.images, images)
write_csv(snakemake.output.rejected, rejected)
write_csv(snakemake.output.ledger, ledger)
