import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.node import read_winner
from nearlabel.logs import configure_logging
from nearlabel.report.clusters_figure import plot_clusters

configure_logging(snakemake.log[0])
plot_clusters(
    read_winner(snakemake.input.reduced, snakemake.input.selection),
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    pd.read_csv(snakemake.input.manifest, dtype=str, keep_default_na=False),
    json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8")),
    Path(snakemake.output.svg).with_suffix(""),
)
