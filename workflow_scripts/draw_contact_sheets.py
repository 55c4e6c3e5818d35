import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.logs import configure_logging
from nearlabel.report.grouping.sheets import draw_contact_sheets

configure_logging(snakemake.log[0])
winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
index = draw_contact_sheets(
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    winner.reduction.values,
    winner.image_id,
    pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False),
    snakemake.output.sheets,
)
write_csv(snakemake.output.index, index)
