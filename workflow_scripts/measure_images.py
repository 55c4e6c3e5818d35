from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.maps.measures import measure_images
from nearlabel.grouping.selection.node_files import read_winner

winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
clusters = pd.read_csv(snakemake.input.clusters, dtype={"image_id": str}, keep_default_na=False)
measures = measure_images(winner.image_id, winner.reduction.values, clusters, seed=snakemake.params.seed)
write_csv(snakemake.output.measures, measures)
