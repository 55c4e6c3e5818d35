from nearlabel.learning.frozen import encode_frozen_stages
from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])
encode_frozen_stages(
    snakemake.input.images,
    snakemake.output.frozen,
    network=snakemake.params.network,
    fine_tune=snakemake.params.fine_tune,
    seed=0,
    weights_seed=snakemake.params.weights_seed,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
