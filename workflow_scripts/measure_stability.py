from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd
import sklearn.cluster  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.files import write_csv
from nearlabel.grouping.scores.stability import assess_stability
from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.grouping.selection.selected import read_selection

threadpool_limits(snakemake.params.threads)
winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
selection = read_selection(snakemake.input.selection)
algorithm = snakemake.params.algorithms[selection.algorithm]
stability = assess_stability(
    winner.reduction.values,
    winner.image_id,
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    algorithm["name"],
    algorithm["parameters"],
    selection.k,
    snakemake.params.bootstraps,
    snakemake.params.seed,
    **snakemake.params.silhouettes,
)
write_csv(snakemake.output.stability, stability)
