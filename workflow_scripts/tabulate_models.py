from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

import json
from pathlib import Path

from nearlabel.report.base.tables import write_table
from nearlabel.report.grouping.tables.models import models_table

summaries = [json.loads(Path(path).read_text(encoding="utf-8")) for path in snakemake.input.summaries]
write_table(
    models_table(summaries),
    Path(snakemake.output.models_csv).with_suffix(""),
    "Models on top of the groups: means and standard deviations over the folds of a stratified cross-validation.",
)
