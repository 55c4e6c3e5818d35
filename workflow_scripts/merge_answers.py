from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.labelling.answers.merge import merge_files

merge_files(
    snakemake.input.answers,
    snakemake.input.images,
    labels=snakemake.params.labels,
    good=snakemake.params.good,
    output=dict(snakemake.output.items()),
)
