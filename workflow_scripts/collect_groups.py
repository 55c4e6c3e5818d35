from pathlib import Path

import pandas as pd

from nearlabel.grouping.groups import check_names, collect_groups, sort_images
from nearlabel.grouping.levels import list_expanded
from nearlabel.grouping.memory import tidy_memory
from nearlabel.grouping.names import read_names
from nearlabel.grouping.node_files import read_clusters
from nearlabel.images.files import write_csv
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
clusters = read_clusters(snakemake.input.clusters)
manifest = pd.read_csv(snakemake.input.manifest, dtype=str, keep_default_na=False)
names = read_names(next(iter(snakemake.input.names), None))
groups = collect_groups(clusters, manifest)
folder = Path(snakemake.output.groups).parent
min_overlap = snakemake.params.min_overlap
tidy_memory(folder / "remembered/nodes", clusters, min_overlap)
tidy_memory(folder / "remembered/names", names, 0)
check_names(names, groups, folder / "remembered/names", min_overlap)
images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
sort_images(groups, images, snakemake.output.folder, copies=snakemake.params.copies, names=names)
if snakemake.output.levels:
    # Deeper levels of a tree that the user has cut back.
    for file in set((folder / "levels").glob("*.csv")) - set(map(Path, snakemake.output.levels)):
        file.unlink()
for level, file in enumerate(snakemake.output.levels):
    write_csv(file, list_expanded(clusters, manifest, level))
write_csv(snakemake.output.groups, groups.assign(name=groups["leaf"].map(names)) if names else groups)
