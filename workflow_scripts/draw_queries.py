from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json

import pandas as pd

from nearlabel.files import read_table, write_csv
from nearlabel.hdf5 import opened_hdf5
from nearlabel.learning.simulation.query_maps import read_query_maps
from nearlabel.report.learning.asked_sheet import draw_asked, map_cover
from nearlabel.report.learning.collect import read_knees

near_labels = read_table(snakemake.input.near_labels, ("image_id", "near_label"))
knee = read_knees(snakemake.input.knees)["knee"]
with opened_hdf5(snakemake.input.decoded) as decoded:
    placement = json.loads(decoded.attrs["placement"])
queries = read_table(snakemake.input.queries, ("round", "image_id", "score"))
index = draw_asked(
    queries.assign(round=queries["round"].astype(int), score=pd.to_numeric(queries["score"])),
    pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False),
    dict(zip(near_labels["image_id"], near_labels["near_label"], strict=True)),
    snakemake.params.positive,
    snakemake.output.sheet,
    knee=knee and knee["round"],
    maps=read_query_maps(snakemake.input.maps),
    covers=map_cover(placement),
)
write_csv(snakemake.output.index, index)
