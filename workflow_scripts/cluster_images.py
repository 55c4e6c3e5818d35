from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from threadpoolctl import threadpool_limits

from nearlabel.grouping.clustering.algorithms import sweep
from nearlabel.grouping.clustering.labels import write_labels
from nearlabel.grouping.reduction.reduced import read_reduced

threadpool_limits(snakemake.params.threads)
reduced = read_reduced(snakemake.input.reduced)
clustering = snakemake.params.clustering
first, last = clustering["ks"]
clusterings = sweep(
    reduced.reduction.values,
    clustering["algorithm"],
    range(first, last + 1),
    clustering["seed"],
    **clustering["parameters"],
)
write_labels(snakemake.output.labels, reduced.image_id, clusterings, snakemake.wildcards.algorithm)
