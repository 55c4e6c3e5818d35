from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.scores.agreement import evaluate_c_score
from nearlabel.grouping.selection.node_files import read_scores

scores, null = evaluate_c_score(
    read_scores(snakemake.input.quality),
    read_labels(snakemake.input.labels),
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    permutations=snakemake.params.permutations,
    seed=snakemake.params.seed,
)
write_csv(snakemake.output.scores, scores)
write_csv(snakemake.output.null, null)
