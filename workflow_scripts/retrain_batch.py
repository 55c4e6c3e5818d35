from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.simulation.fold import open_folds
from nearlabel.learning.simulation.retrain import retrain_run
from nearlabel.run_files import KNEES, folds_of

numbers = folds_of(KNEES, snakemake.input.knees)
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
for place, (number, fold) in enumerate(zip(numbers, folds, strict=True)):
    retrain_run(
        fold,
        snakemake.input.queries[place],
        snakemake.input.knees[place],
        snakemake.params.settings,
        fold_seed=snakemake.params.fold_seeds[number],
        output={cutoff: files[place] for cutoff, files in snakemake.output.items()},
    )
