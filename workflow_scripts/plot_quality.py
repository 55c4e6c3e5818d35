from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

from nearlabel.grouping.selection.node_files import read_node_scores
from nearlabel.report.grouping.figures.quality import plot_quality

plot_quality(
    read_node_scores(snakemake.input.scores, snakemake.input.reduced),
    json.loads(Path(snakemake.input.selection).read_text(encoding="utf-8")),
    Path(snakemake.output.quality_svg).with_suffix(""),
)
