from nearlabel.grouping.labels import read_labels
from nearlabel.grouping.quality import score_clusterings
from nearlabel.grouping.reduce import read_reduced
from nearlabel.logs import configure_logging
from threadpoolctl import threadpool_limits

configure_logging(snakemake.log[0])
threadpool_limits(snakemake.params.threads)
reduced = read_reduced(snakemake.input.reduced)
quality = score_clusterings(reduced.features, read_labels(snakemake.input.labels))
quality.to_csv(snakemake.output.quality, index=False)
