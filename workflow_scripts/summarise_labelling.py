from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.labelling.status.files import write_status

write_status(
    snakemake.output.status,
    rounds=snakemake.params.rounds,
    certify=snakemake.params.certify,
    **{name: file for name, file in snakemake.input.items() if name != "checkout"},
)
