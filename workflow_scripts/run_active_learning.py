from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.simulation.fold import open_fold
from nearlabel.learning.simulation.run import run_strategy

fold = open_fold(
    snakemake.input.values,
    snakemake.input.folds,
    snakemake.input.near_labels,
    fold=int(snakemake.wildcards.fold),
    **snakemake.params.fold,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
run_strategy(
    fold,
    snakemake.params.strategy,
    snakemake.params.settings,
    fold_seed=snakemake.params.fold_seed,
    query_seed=snakemake.params.query_seed,
    novelty=next(iter(snakemake.input.novelty), None),
    states=snakemake.params.states,
    output=dict(snakemake.output.items()),
)
