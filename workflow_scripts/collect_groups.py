from pathlib import Path

import pandas as pd

from nearlabel.grouping.groups import check_names, collect_groups, read_names, sort_images
from nearlabel.grouping.levels import list_expanded
from nearlabel.grouping.node import read_clusters
from nearlabel.images.files import write_csv
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
clusters = read_clusters(snakemake.input.clusters)
manifest = pd.read_csv(snakemake.input.manifest, dtype=str, keep_default_na=False)
names = read_names(next(iter(snakemake.input.names), None))
groups = collect_groups(clusters, manifest)
memory = Path(snakemake.output.groups).parent / "remembered/names"
check_names(names, groups, memory, float(snakemake.resources.min_overlap))
images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
sort_images(groups, images, snakemake.output.folder, copies=snakemake.params.copies, names=names)
for level, file in enumerate(snakemake.output.levels):
    write_csv(file, list_expanded(clusters, manifest, level))
write_csv(snakemake.output.groups, groups.assign(name=groups["leaf"].map(names)) if names else groups)
