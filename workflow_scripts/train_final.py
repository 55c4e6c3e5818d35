from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.labelling.final.train import train_final

train_final(
    snakemake.input.values,
    snakemake.input.images,
    snakemake.input.hashes,
    snakemake.input.labels,
    snakemake.params.rounds,
    output=dict(snakemake.output.items()),
    settings=snakemake.params.settings,
    training=snakemake.params.training,
    **snakemake.params.classifier,
    device=snakemake.resources.device,
    weights_dir=snakemake.resources.weights_dir or None,
    weights_mirror=snakemake.resources.weights_mirror or None,
)
