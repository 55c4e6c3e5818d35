from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import pandas as pd

from nearlabel.files import write_csv
from nearlabel.grouping.maps.suspects import find_suspects
from nearlabel.grouping.selection.node_files import read_winner
from nearlabel.images.duplicates import group_images, read_hashes

winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False).set_index("image_id", drop=False)
images = images.loc[winner.image_id].reset_index(drop=True)
groups = group_images(images, read_hashes(snakemake.input.hashes, winner.image_id))
near_labels = pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False)
write_csv(snakemake.output.suspects, find_suspects(winner.image_id, winner.reduction.values, near_labels, groups))
