from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

import pandas as pd

from nearlabel import run_files
from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_clusters
from nearlabel.grouping.tree.groups import check_names, collect_groups, name_images, sort_images
from nearlabel.grouping.tree.levels import list_expanded
from nearlabel.grouping.tree.names import read_names
from nearlabel.grouping.tree.remembered import memory_table, tidy_memory

clusters = read_clusters(snakemake.input.clusters)
near_labels = pd.read_csv(snakemake.input.near_labels, dtype=str, keep_default_na=False)
names = read_names(next(iter(snakemake.input.names), None))
groups = collect_groups(clusters, near_labels)
run = run_files.run_folder(run_files.GROUPS, snakemake.output.groups)
nodes, named = (
    run_files.below(run, pattern, dataset=snakemake.wildcards.dataset)
    for pattern in (run_files.REMEMBERED_NODES, run_files.REMEMBERED_NAMES)
)
min_overlap = snakemake.params.min_overlap
check_names(names, groups, named, min_overlap)
memories = tidy_memory(nodes, clusters, min_overlap)
tidy_memory(named, names, 0)
write_csv(snakemake.output.remembered, memory_table(memories))
images = pd.read_csv(snakemake.input.images, dtype=str, keep_default_na=False)
sort_images(groups, images, snakemake.output.folder, copies=snakemake.params.copies, names=names)
if snakemake.output.levels:
    # Deeper levels of a tree that the user has cut back.
    levels = Path(snakemake.output.levels[0]).parent
    for file in set(levels.glob("*.csv")) - set(map(Path, snakemake.output.levels)):
        file.unlink()
for level, file in enumerate(snakemake.output.levels):
    write_csv(file, list_expanded(clusters, near_labels, level))
write_csv(snakemake.output.groups, groups.assign(name=name_images(groups, names)) if names else groups)
