from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.clustering.labels import read_labels
from nearlabel.grouping.selection.node_files import labels_of, read_node_scores, read_winner
from nearlabel.report.grouping.figures.algorithms import plot_algorithms
from nearlabel.report.grouping.figures.convergence import plot_convergence

selection = json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8"))
scores = read_node_scores(snakemake.input.scores, snakemake.input.reduced)
plot_convergence(
    scores,
    read_node_scores(snakemake.input.nulls, snakemake.input.reduced),
    selection,
    Path(snakemake.output.convergence_svg).with_suffix(""),
)
winner = Path(dict(zip(scores, snakemake.input.reduced, strict=True))[selection["encoder"]])
plot_algorithms(
    read_winner([winner], snakemake.input.selection),
    read_labels(labels_of(winner, snakemake.input.labels)),
    pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False),
    selection,
    Path(snakemake.output.algorithms_svg).with_suffix(""),
)
