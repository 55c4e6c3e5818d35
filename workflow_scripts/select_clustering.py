from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.grouping.selection.node import select_node

select_node(
    snakemake.input.scores,
    snakemake.input.reduced,
    snakemake.input.labels,
    snakemake.input.agreement,
    snakemake.input.consensus,
    selection=snakemake.output.selection,
    clusters=snakemake.output.clusters,
    criterion=snakemake.params.criterion,
    choose=snakemake.params.choice,
    min_overlap=snakemake.resources.min_overlap / 1000,
)
