from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.images.synthetic import draw_dataset

draw_dataset(
    snakemake.output.images,
    snakemake.output.table,
    seed=snakemake.params.seed,
    **snakemake.params.strips,
)
