#!/usr/bin/env bash
# The whole workflow within one of SLURM's jobs; from the repository's folder, options of sbatch before this file's name
# (they overrule those below), of Snakemake behind it:
#   sbatch --account=… --partition=… profiles/slurm/one_allocation.sh --configfile mine.yaml
#SBATCH --job-name=nearlabel
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --mem=32G
#SBATCH --time=24:00:00
set -euo pipefail

# The environment that the README makes, if it is there; else the one that sbatch was called from.
export PATH="$PWD/.venv/bin:$PATH"

# What SLURM granted, so that jobs wait for memory or a GPU instead of being killed for taking more.
exec snakemake --resources "mem_mb=$SLURM_MEM_PER_NODE" "gpu=${SLURM_GPUS_ON_NODE:-0}" \
  --cores "$SLURM_CPUS_PER_TASK" "$@"
