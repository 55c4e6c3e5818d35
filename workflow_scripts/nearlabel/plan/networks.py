"""What the rules that encode or learn take from the plan: encoders, the network that learns, files, seeds."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nearlabel.config.features import Encoder, Features
from nearlabel.config.training import LearningNetwork, Strategy
from nearlabel.features.catalogue import by_family
from nearlabel.features.encoding.needs import process_bytes
from nearlabel.learning.catalogue import asks_for_novelty
from nearlabel.plan import datasets
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import DECODED, FEATURE_PART, FEATURES, FROZEN, fill
from nearlabel.seeds import derive_seed

# Where a job runs and finds its weights changes no number: resources, not params, whose change would rerun it.
RUNTIME_KEYS = {"weights_dir", "weights_mirror", "workers", "device", "images_per_job"}
IMAGES_PER_PROCESS = 128
"""For which another process is worth its start."""

# Sides of the images that networks take by themselves, where they are above 256 pixels, by first letters of the name.
_SIDES = {
    **{f"efficientnet_b{number}": side for number, side in enumerate((224, 240, 288, 300, 380, 456, 528, 600))},
    **{"efficientnet_v2": 480, "inception_": 299, "texture": 128},
}
_WEIGHT_FILES = (".pth", ".pt")


def all_encoders(plan: Plan) -> dict[str, Encoder]:
    """Encoders by id: those of the configuration, and what the query strategy `novelty` needs."""
    query = plan.query_encoder
    return plan.encoders | ({query.id: query} if query else {})


def encoder(plan: Plan, encoder: str) -> dict[str, Any]:
    """What an encoder's features depend on."""
    return all_encoders(plan)[encoder].model_dump(exclude=RUNTIME_KEYS)


def encoder_files(plan: Plan, encoder: str) -> list[str]:
    """The user's own files that an encoder is made of: a module, a state dict."""
    chosen = all_encoders(plan)[encoder]
    own = [chosen.weights] if chosen.weights.endswith(_WEIGHT_FILES) else []
    return [chosen.module, *own] if chosen.module else own


def weights_seed(plan: Plan, chosen: Features) -> int | None:
    """Seed of a network's weights; None where they are not seeded."""
    if chosen.weights != "seeded":
        return None
    return derive_seed(plan.config.seed, f"weights/{chosen.name}")


def encoder_seed(plan: Plan, encoder: str) -> int | None:
    """Seed of an encoder's weights; None where they are not seeded."""
    return weights_seed(plan, all_encoders(plan)[encoder])


def reference_seed(plan: Plan, encoder: str) -> int:
    """Seed of the reference set that pooling by novelty needs; 0 where none is."""
    by_novelty = all_encoders(plan)[encoder].pooling == "novelty"
    return derive_seed(plan.config.seed, "novelty/reference") if by_novelty else 0


def extraction_threads(plan: Plan, dataset: str, encoder: str) -> int:
    """Threads of the job that makes the feature file: `encoding_threads`, or one where others have computed."""
    return 1 if feature_parts(plan, dataset, encoder) else encoding_threads(plan, dataset, encoder)


def encoding_threads(plan: Plan, dataset: str, encoder: str) -> int:
    """Threads of what encodes: those of each of its processes, which the config says, times the processes.

    Snakemake gives a job no more than ``--cores`` and ``--max-threads`` say.
    """
    images = datasets.count_images(plan, dataset) / count_parts(plan, dataset, encoder)
    return _threads(all_encoders(plan)[encoder], images)


def freezing_threads(plan: Plan, dataset: str) -> int:
    """Threads of what computes the frozen stages of the network that learns, as `encoding_threads`."""
    return _threads(plan.network, datasets.count_images(plan, dataset))


def _threads(chosen: Features, images: float) -> int:
    auto = max(1, int(images // IMAGES_PER_PROCESS))
    return chosen.threads * (auto if chosen.workers == "auto" else max(1, chosen.workers))


def count_workers(chosen: Features, threads: int) -> int:
    """Processes that encode, in a job that has so many threads."""
    fit = max(1, threads // chosen.threads)
    return min(fit, chosen.workers) if chosen.workers != "auto" else fit


def extraction_memory(plan: Plan) -> Callable[..., int]:
    """Input function: MB of an extraction, by how many processes it has; more with each attempt."""
    return lambda wildcards, threads, attempt: attempt * encoding_memory(all_encoders(plan)[wildcards.encoder], threads)


def encoding_memory(chosen: Encoder | LearningNetwork, threads: int) -> int:
    """MB that an extraction takes: torch, the network and what the job holds; then each process its batch."""
    side = chosen.image_size or by_family(_SIDES, chosen.name, 256)
    height, width = side if isinstance(side, list) else (side, side)
    images = 32 if chosen.batch_size == "auto" else chosen.batch_size
    each = process_bytes(images * height * width) / 1e6
    return math.ceil(3000 + count_workers(chosen, threads) * each)


def count_parts(plan: Plan, dataset: str, encoder: str) -> int:
    """How many jobs share an extraction out, by how many files the data set has."""
    images = datasets.count_images(plan, dataset)
    return max(1, math.ceil(images / all_encoders(plan)[encoder].images_per_job))


def feature_parts(plan: Plan, dataset: str, encoder: str) -> list[str]:
    """What the jobs that share an extraction out leave behind; none where one job does it all."""
    parts = count_parts(plan, dataset, encoder)
    places = {"run": plan.config.run, "dataset": dataset, "encoder": encoder, "parts": str(parts)}
    return [fill(FEATURE_PART, part=str(part), **places) for part in range(parts)] if parts > 1 else []


def first_part(plan: Plan, dataset: str, encoder: str, part: str) -> list[str]:
    """The part that learns what all others need: a reference set for pooling by novelty."""
    if part == "0" or all_encoders(plan)[encoder].pooling != "novelty":
        return []
    return feature_parts(plan, dataset, encoder)[:1]


def network(plan: Plan) -> dict[str, Any]:
    """What the numbers of the network that learns depend on."""
    return plan.network.model_dump(exclude=RUNTIME_KEYS | {"pooling", "novelty"})


def learning_threads(plan: Plan) -> int:
    """Threads of the network that learns."""
    return plan.network.threads


def placed_network(plan: Plan) -> dict[str, Any]:
    """What the decoded images depend on."""
    return {key: network(plan)[key] for key in ("name", "weights", "geometry", "image_size")}


def network_files(plan: Plan) -> list[str]:
    """The user's own file with the network's weights, if it is one."""
    return [plan.network.weights] if plan.network.weights.endswith(_WEIGHT_FILES) else []


def query_novelty(plan: Plan, dataset: str, strategy: str) -> list[str]:
    """The feature file that tells a query strategy how novel images are; none where it does not ask."""
    return asked_novelty(plan, dataset, plan.strategies[strategy])


def asked_novelty(plan: Plan, dataset: str, *strategies: Strategy) -> list[str]:
    """That file, where one of some strategies asks; in place of it none."""
    if not any(asks_for_novelty(chosen.name, chosen.parameters) for chosen in strategies):
        return []
    return [fill(FEATURES, run=plan.config.run, dataset=dataset, encoder=plan.query_encoder.id)]


def decoded_images(plan: Plan) -> str:
    """Pattern of the decoded images that learning reads, by the size of the network's input."""
    size = plan.network.image_size if plan.network else None
    name = "x".join(map(str, size)) if isinstance(size, list) else size or "own"
    return DECODED.replace("{size}", str(name))


def learnt_values(plan: Plan) -> str:
    """Pattern of what training starts from: images, or what the frozen stages made of them."""
    return FROZEN if plan.trained and plan.trained.fine_tune != "full" else decoded_images(plan)


def unfinished_encoders(plan: Plan) -> list[str]:
    """Names of the encoders that have no feature file of some data set yet."""
    files = {
        id: [Path(fill(FEATURES, run=plan.config.run, dataset=name, encoder=id)) for name in plan.grouping.datasets]
        for id in plan.encoders
    }
    if query := plan.query_encoder:
        asking = [*(plan.learning.datasets if plan.learning else []), *plan.labelled]
        files[query.id] = [Path(fill(FEATURES, run=plan.config.run, dataset=name, encoder=query.id)) for name in asking]
    return sorted({all_encoders(plan)[id].name for id, own in files.items() if not all(file.exists() for file in own)})
