from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.report.grouping.pictures.candidates import draw_candidates

index = draw_candidates(
    read_selection(snakemake.input.selection)._asdict().get("candidates") or [],
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    snakemake.input.reduced,
    snakemake.input.labels,
    snakemake.output.strips,
)
write_csv(snakemake.output.index, index)
