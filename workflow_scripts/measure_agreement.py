from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import sklearn.cluster  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.reduction.reduced import read_reduced
from nearlabel.grouping.structure.evidence import measure_structure

threadpool_limits(snakemake.params.threads)
agreement = measure_structure(
    read_reduced(snakemake.input.reduced).reduction.values,
    {id: block.labels for id, block in read_labels(snakemake.input.labels).items()},
    snakemake.params.algorithms,
    **snakemake.params.structure,
    seed=snakemake.params.seed,
)
write_csv(snakemake.output.agreement, agreement)
