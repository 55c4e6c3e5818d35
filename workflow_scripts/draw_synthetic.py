from nearlabel.images.synthetic import draw_dataset
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
draw_dataset(
    snakemake.output.images,
    snakemake.output.table,
    seed=snakemake.params.seed,
    **snakemake.params.strips,
)
