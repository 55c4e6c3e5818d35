from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from pathlib import Path

from nearlabel.report.labelling.progress_figure import plot_progress

plot_progress(snakemake.input.status, Path(snakemake.output.labelling_svg).with_suffix(""))
