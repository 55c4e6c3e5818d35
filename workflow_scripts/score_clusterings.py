from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from threadpoolctl import threadpool_limits

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.reduction.reduced import read_reduced
from nearlabel.grouping.scores.quality import assess_clusterings

threadpool_limits(1)  # the scores have threads of their own
quality, errors = assess_clusterings(
    read_reduced(snakemake.input.reduced).reduction.values,
    read_labels(snakemake.input.labels),
    **snakemake.params.silhouettes,
    seed=snakemake.params.seed,
    threads=snakemake.params.threads,
    device=snakemake.resources.device,
)
write_csv(snakemake.output.quality, quality)
write_csv(snakemake.output.errors, errors)
