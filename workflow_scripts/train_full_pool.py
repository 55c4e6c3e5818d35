from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.simulation.fold import open_folds
from nearlabel.learning.simulation.retrain import train_on_pool
from nearlabel.run_files import FULL_POOL, folds_of

numbers = folds_of(FULL_POOL, snakemake.output.bound)
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
for number, fold, bound in zip(numbers, folds, snakemake.output.bound, strict=True):
    train_on_pool(fold, snakemake.params.settings, fold_seed=snakemake.params.fold_seeds[number], output=bound)
