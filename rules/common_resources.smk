# What a job asks of a cluster.

import math

from nearlabel.grouping.limits import MOST_FACTORED


def memory(base, per_input=0, of=None):
    """Input function: MB for what a job imports, Snakemake beside it included, and for its inputs, `per_input` times.

    Measured on the demo: 0.1 GB without torch, scikit-learn and matplotlib, 0.2 GB with the last two, 0.9 to 1.3 GB
    with torch; 0.2 GB for Snakemake. An attempt after a failed one asks for as much again. `of` names the inputs that
    count, where others are made in the same group: they are not there yet when the group asks.
    """
    if not per_input:
        return lambda wildcards, attempt: attempt * base

    def mem_mb(wildcards, input, attempt):
        total = sum(sum(sizes_mb(input[name])) for name in of or input.keys())
        return attempt * (base + math.ceil(per_input * total))

    return mem_mb


def sizes_mb(files):
    """Size of each file of an input, by one name or several."""
    files = [files] if isinstance(files, str) else files
    return [os.path.getsize(file) / 1e6 for file in files]


def clustering_memory(algorithms):
    """Input function: MB for clustering reduced features by any of some algorithms, whose ids a function gives.

    Agglomerative and spectral clustering hold numbers for all pairs of images.
    """

    def mem_mb(wildcards, input, attempt):
        level = PLAN.level(wildcards.node)
        size = max(sizes_mb(input.reduced))
        images = images_in(size, level["reduction"])
        chosen = [level["algorithms"][id] for id in algorithms(wildcards)]
        pairs = max(pairs_mb(algorithm, images) for algorithm in chosen)
        return attempt * math.ceil(1000 + 6 * size + pairs)

    return mem_mb


def pairs_mb(algorithm, images):
    """What an algorithm holds for all pairs of images, as measured for nearlabel/grouping/limits.py."""
    if algorithm.name not in ("agglomerative", "spectral"):
        return 0
    along_graph = "nearest_neighbors" in algorithm.parameters.values()
    most = MOST_FACTORED if along_graph else algorithm.parameters["max_images"]
    per_pair = {"agglomerative": (8, 0), "spectral": (34, 9)}[algorithm.name]
    return per_pair[along_graph] * min(images, most) ** 2 / 1e6


def images_in(size_mb, reduction):
    """About how many images a file of reduced features holds."""
    components = reduction.components
    if reduction.method == "none" or components == "min":
        components = 512  # the fewest that a network gives
    elif not isinstance(components, int):
        components = 50
    return size_mb * 1e6 / 8 / components


def minutes(count):
    """Input function: time limit in minutes, more with each attempt."""
    return lambda wildcards, attempt: attempt * count


def hours(count):
    return minutes(60 * count)


def gpus(chosen):
    """GPUs to ask for: only where the config says cuda, so that `auto` runs on clusters without any, too."""
    return int(chosen.device.startswith("cuda"))
