from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import sklearn.neighbors  # noqa: F401 - loads what threadpool_limits is to limit
from threadpoolctl import threadpool_limits

from nearlabel.grouping.maps.node_map import map_images, write_map
from nearlabel.grouping.selection.node_files import read_winner

threadpool_limits(snakemake.params.threads)
winner = read_winner(snakemake.input.reduced, snakemake.input.selection)
write_map(snakemake.output.map, map_images(winner, seed=snakemake.params.seed))
