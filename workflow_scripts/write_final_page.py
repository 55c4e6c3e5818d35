from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.report.labelling.final_page import write_final_page

write_final_page(
    snakemake.output.page,
    run=snakemake.wildcards.run,
    dataset=snakemake.wildcards.dataset,
    **{name: file for name, file in snakemake.input.items() if name != "checkout"},
)
