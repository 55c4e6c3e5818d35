from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.stopping.cutoffs import write_cutoffs

for rounds, knees in zip(snakemake.input.rounds, snakemake.output.knees, strict=True):
    write_cutoffs(rounds, knees, **snakemake.params.knee)
