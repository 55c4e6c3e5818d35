import json
from pathlib import Path

import pandas as pd

from nearlabel.grouping.names import read_names
from nearlabel.logs import configure_logging
from nearlabel.report.classifiers_figure import plot_classifiers, plot_decision_tree

configure_logging(snakemake.log[0])
summary = json.loads(Path(snakemake.input.summary).read_text(encoding="utf-8"))
confusion = pd.read_csv(
    snakemake.input.confusion, dtype={"model": str, "truth": str, "predicted": str}, keep_default_na=False
)
names = read_names(next(iter(snakemake.input.names), None))
plot_classifiers(confusion, summary, Path(snakemake.output.classifiers_svg).with_suffix(""), names=names)
plot_decision_tree(summary, Path(snakemake.output.decision_tree_svg).with_suffix(""), names=names)
