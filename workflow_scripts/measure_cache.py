from nearlabel.logs import configure_logging

configure_logging(snakemake.log[0])

from nearlabel.caches import clear_unneeded, describe_kept, format_size, list_kept

kept = list_kept("results", snakemake.params.unfinished)
print(describe_kept(kept))
if snakemake.params.delete:
    print(f"cleared: {format_size(clear_unneeded(kept))}")
