import pandas as pd
from nearlabel.grouping.cscore import evaluate_c_score
from nearlabel.grouping.labels import read_labels
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
scores = evaluate_c_score(
    pd.read_csv(snakemake.input.quality, keep_default_na=False, na_values={"silhouette": [""]}),
    read_labels(snakemake.input.labels),
    pd.read_csv(snakemake.input.manifest, dtype=str, keep_default_na=False),
)
scores.to_csv(snakemake.output.scores, index=False)
