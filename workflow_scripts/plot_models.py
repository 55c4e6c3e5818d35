from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.tree.names import read_names
from nearlabel.report.grouping.figures.models import plot_decision_tree, plot_models

summary = json.loads(Path(snakemake.input.summary).read_text(encoding="utf-8"))
confusion = pd.read_csv(
    snakemake.input.confusion, dtype={"model": str, "truth": str, "predicted": str}, keep_default_na=False
)
names = read_names(next(iter(snakemake.input.names), None))
plot_models(confusion, summary, Path(snakemake.output.models_svg).with_suffix(""), names=names)
plot_decision_tree(summary, Path(snakemake.output.decision_tree_svg).with_suffix(""), names=names)
