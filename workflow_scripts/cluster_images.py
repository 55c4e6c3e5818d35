from nearlabel.grouping.algorithms import sweep
from nearlabel.grouping.labels import write_labels
from nearlabel.grouping.reduce import read_reduced
from nearlabel.logs import configure_logging
from threadpoolctl import threadpool_limits

configure_logging(snakemake.log[0])
threadpool_limits(snakemake.params.threads)
reduced = read_reduced(snakemake.input.reduced)
algorithm = snakemake.params.algorithm
first, last = snakemake.params.ks
found = sweep(
    reduced.features,
    algorithm["name"],
    range(first, last + 1),
    snakemake.params.seed,
    **algorithm["parameters"],
)
write_labels(snakemake.output.labels, reduced.image_id, found, algorithm["name"])
