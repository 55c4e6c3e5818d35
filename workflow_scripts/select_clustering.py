from nearlabel.grouping.selection import select_node
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
select_node(
    snakemake.input.scores,
    snakemake.input.reduced,
    snakemake.input.labels,
    selection_path=snakemake.output.selection,
    clusters_path=snakemake.output.clusters,
    criterion=snakemake.params.criterion,
    choose=snakemake.params.choice,
)
