from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.labelling.show import show_queue

show_queue(
    snakemake.output.page,
    **{name: file for name, file in snakemake.input.items() if name != "checkout"},
    **snakemake.params.page,
)
