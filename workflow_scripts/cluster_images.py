from threadpoolctl import threadpool_limits

from nearlabel.grouping.algorithms import sweep
from nearlabel.grouping.labels import write_labels
from nearlabel.grouping.reduce import read_reduced
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
threadpool_limits(snakemake.params.threads)
reduced = read_reduced(snakemake.input.reduced)
first, last = snakemake.params.ks
clusterings = sweep(
    reduced.reduction.values,
    snakemake.params.algorithm["name"],
    range(first, last + 1),
    snakemake.params.seed,
    **snakemake.params.algorithm["parameters"],
)
write_labels(snakemake.output.labels, reduced.image_id, clusterings, snakemake.wildcards.algorithm)
