from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.grouping.selection.selected import read_selection
from nearlabel.report.grouping.pictures.overlays import read_winner_maps
from nearlabel.report.grouping.pictures.sheets import draw_contact_sheets

winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
index = draw_contact_sheets(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    winner.reduction.values,
    winner.image_id,
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    snakemake.output.sheets,
    maps=read_winner_maps(snakemake.input.novelty, read_selection(snakemake.input.selection).encoder),
)
write_csv(snakemake.output.index, index)
