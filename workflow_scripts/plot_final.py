from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.report.labelling.final_figure import plot_final

plot_final(snakemake.input.report, snakemake.input.predictions, Path(snakemake.output.final_svg).with_suffix(""))
