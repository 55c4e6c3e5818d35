from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.files import write_json
from nearlabel.grouping.scores.verdict import judge_node

verdict = judge_node(
    snakemake.input.reduced,
    snakemake.input.labels,
    snakemake.input.selection,
    snakemake.input.near_labels,
    permutations=snakemake.params.permutations,
    seed=snakemake.params.seed,
)
write_json(snakemake.output.verdict, verdict._asdict())
