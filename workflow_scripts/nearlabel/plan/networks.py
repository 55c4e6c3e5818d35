"""What the rules that encode or learn take from the plan: encoders, the network that learns, files, seeds."""

from pathlib import Path
from typing import Any

from nearlabel.config.features import Encoder, Features
from nearlabel.learning.catalogue import asks_for_novelty
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import DECODED, FEATURES, FROZEN, fill
from nearlabel.seeds import derive_seed

# Where a job runs and finds its weights changes no number: resources, not params, whose change would rerun it.
RUNTIME_KEYS = {"weights_dir", "weights_mirror", "workers", "device"}
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


def encoding_threads(chosen: Encoder) -> int:
    """Threads of an extraction: the network's own, which the config says, and one for each process that decodes."""
    return chosen.threads + chosen.workers


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
    chosen = plan.strategies[strategy]
    if not asks_for_novelty(chosen.name, chosen.parameters):
        return []
    return [fill(FEATURES, run=plan.config.run, dataset=dataset, encoder=plan.query_encoder.id)]


def decoded_images(plan: Plan) -> str:
    """Pattern of the decoded images that learning reads, by the size of the network's input."""
    size = plan.network.image_size if plan.network else None
    name = "x".join(map(str, size)) if isinstance(size, list) else size or "own"
    return DECODED.replace("{size}", str(name))


def learnt_values(plan: Plan) -> str:
    """Pattern of what training starts from: images, or what the frozen stages made of them."""
    return FROZEN if plan.learning and plan.learning.fine_tune != "full" else decoded_images(plan)


def unfinished_encoders(plan: Plan) -> list[str]:
    """Names of the encoders that have no feature file of some data set yet."""
    files = {
        id: [Path(fill(FEATURES, run=plan.config.run, dataset=name, encoder=id)) for name in plan.grouping.datasets]
        for id in plan.encoders
    }
    if query := plan.query_encoder:
        files[query.id] = [
            Path(fill(FEATURES, run=plan.config.run, dataset=name, encoder=query.id)) for name in plan.learning.datasets
        ]
    return sorted({all_encoders(plan)[id].name for id, own in files.items() if not all(file.exists() for file in own)})
