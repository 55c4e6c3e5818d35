from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.stopping.cutoffs import write_cutoffs

write_cutoffs(snakemake.input.rounds, snakemake.output.knees, **snakemake.params.knee)
