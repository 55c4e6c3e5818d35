from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.stopping.stops import write_stops
from nearlabel.run_files import STOPS, folds_of

for place, number in enumerate(folds_of(STOPS, snakemake.output.stops)):
    write_stops(
        snakemake.output.stops[place],
        rounds=snakemake.input.rounds[place],
        queries=snakemake.input.queries[place],
        folds=snakemake.input.folds,
        near_labels=snakemake.input.near_labels,
        full_pool=snakemake.input.bound[place],
        probabilities=snakemake.input.probabilities[place] if snakemake.input.probabilities else None,
        fold=number,
        seed=snakemake.params.seeds[number],
        **snakemake.params.stopping,
    )
