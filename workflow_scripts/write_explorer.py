from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.report.explorer.collect import collect_explorer
from nearlabel.report.explorer.writing import write_explorer

given = snakemake.input
data = collect_explorer(
    snakemake.output.page,
    snakemake.wildcards.run,
    snakemake.wildcards.dataset,
    given,
    list(zip(given.maps, given.measures, given.stability, strict=True)),
    **snakemake.params.settings,
)
write_explorer(snakemake.output.page, data)
