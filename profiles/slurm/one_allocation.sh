#!/usr/bin/env bash
# The whole workflow within one of SLURM's jobs; from the repository's folder, options of sbatch before this file's name
# (they overrule those below), of Snakemake behind it:
#   sbatch --account=… --partition=… --mem=32G profiles/slurm/one_allocation.sh --configfile mine.yaml
# Memory is not among those below: where a script says --mem, sbatch refuses --mem-per-cpu and --mem-per-gpu.
#SBATCH --job-name=nearlabel
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=8
#SBATCH --time=24:00:00
set -euo pipefail

# The environment that the README makes, if it is there; else the one that sbatch was called from.
export PATH="$PWD/.venv/bin:$PATH"

# What SLURM granted on this node, so that jobs wait for memory or a GPU instead of being killed for taking more. It says
# so by the option that was used: with --exclusive there are more CPUs than were asked for, and memory may be stated for
# the node, each CPU or each GPU, or not at all, where the cluster does not count it.
cpus=${SLURM_CPUS_ON_NODE:-$((${SLURM_CPUS_PER_TASK:-1} * ${SLURM_NTASKS:-1}))}
gpus=${SLURM_GPUS_ON_NODE:-0}

in_mb() { # SLURM counts in MB unless a letter says otherwise
  local number=${1%%[!0-9]*}
  case $1 in
    *[Kk]*) echo $((number / 1024)) ;;
    *[Gg]*) echo $((number * 1024)) ;;
    *[Tt]*) echo $((number * 1024 * 1024)) ;;
    *) echo "$number" ;;
  esac
}

if [[ -n ${SLURM_MEM_PER_NODE:-} ]]; then
  memory=$(in_mb "$SLURM_MEM_PER_NODE")
elif [[ -n ${SLURM_MEM_PER_CPU:-} ]]; then
  memory=$(($(in_mb "$SLURM_MEM_PER_CPU") * cpus))
elif [[ -n ${SLURM_MEM_PER_GPU:-} ]]; then
  memory=$(($(in_mb "$SLURM_MEM_PER_GPU") * gpus))
fi
# --mem=0: all that the node has.
if [[ ${memory:-none} == 0 ]]; then
  memory=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
fi

exec snakemake --resources ${memory:+"mem_mb=$memory"} "gpu=$gpus" card=2 --cores "$cpus" "$@"
