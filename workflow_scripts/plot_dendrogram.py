from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.grouping.tree.names import read_names
from nearlabel.report.grouping.figures.dendrogram import plot_dendrogram

plot_dendrogram(
    read_winner(snakemake.input.reduced, snakemake.input.selection),
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8")),
    snakemake.params.linkages,
    Path(snakemake.output.dendrogram_svg).with_suffix(""),
    node=snakemake.wildcards.node,
    names=read_names(next(iter(snakemake.input.names), None)),
    neighbors=snakemake.params.neighbors,
)
