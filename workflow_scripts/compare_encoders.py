from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.files import write_csv
from nearlabel.grouping.selection.node_files import read_labels_by_encoder
from nearlabel.grouping.structure.across import compare_encoders

labels = read_labels_by_encoder(snakemake.input.reduced, snakemake.input.labels)
write_csv(snakemake.output.consensus, compare_encoders(labels, snakemake.params.networks, snakemake.params.seed))
