from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.grouping.tree.names import read_names
from nearlabel.report.grouping.figures.clusters import plot_clusters
from nearlabel.report.grouping.figures.near_labels import plot_near_labels

images = [
    read_winner(snakemake.input.reduced, snakemake.input.selection),
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8")),
]
names = read_names(next(iter(snakemake.input.names), None))
for plot, output in (
    (plot_clusters, snakemake.output.clusters_svg),
    (plot_near_labels, snakemake.output.near_labels_svg),
):
    plot(*images, Path(output).with_suffix(""), node=snakemake.wildcards.node, names=names)
