from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

import pandas as pd

from nearlabel.grouping.tree.levels import read_level
from nearlabel.grouping.tree.names import read_names
from nearlabel.report.grouping.figures.tree import plot_tree

plot_tree(
    read_level(snakemake.input.levels),
    pd.read_csv(snakemake.input.groups, dtype=str, keep_default_na=False),
    read_names(next(iter(snakemake.input.names), None)),
    Path(snakemake.output.tree_svg).with_suffix(""),
)
