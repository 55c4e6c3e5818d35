from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.simulation.fold import open_folds
from nearlabel.learning.simulation.run import run_strategy
from nearlabel.run_files import ROUNDS, folds_of

numbers = folds_of(ROUNDS, snakemake.output.rounds)
folds = open_folds(
    snakemake.input.values,
    snakemake.input.folds,
    snakemake.input.near_labels,
    numbers=numbers,
    seeds=snakemake.params.head_seeds,
    **snakemake.params.learnt,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
ended = [
    run_strategy(
        fold,
        snakemake.params.strategy,
        snakemake.params.settings,
        fold_seed=snakemake.params.fold_seeds[number],
        query_seed=snakemake.params.query_seeds[number],
        novelty=next(iter(snakemake.input.novelty), None),
        states=snakemake.params.states[number],
        output={name: files[place] for name, files in snakemake.output.items()},
    )
    for place, (number, fold) in enumerate(zip(numbers, folds, strict=True))
]
for state in ended:
    state.remove()
