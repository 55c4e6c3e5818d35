from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.learning.network.frozen import encode_frozen_stages

encode_frozen_stages(
    snakemake.input.images,
    snakemake.output.frozen,
    **snakemake.params.stages,
    seed=0,
    workers=snakemake.resources.workers,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
