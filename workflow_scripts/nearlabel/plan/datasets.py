"""What the rules of the images take from the plan: how each data set is drawn, read, sampled and labelled."""

from functools import cache
from typing import Any

from nearlabel.config.datasets import Dataset
from nearlabel.images.listing import count_listed, fingerprint_listing
from nearlabel.images.naming.layouts import mvtec_columns
from nearlabel.plan.resolve import Plan
from nearlabel.run_files import SYNTHETIC, SYNTHETIC_TABLE, fill
from nearlabel.seeds import derive_seed

IMAGES_PER_THREAD = 128
"""For which another thread that reads is worth its start."""

# Of a data set, but no key of its reader.
_COMMON_KEYS = {"near_labels", "sample", "min_accepted", "max_pixels", "max_aspect", "bits", "float_range"}


def chosen_dataset(plan: Plan, dataset: str) -> Dataset:
    """The data set's section of the configuration."""
    return plan.config.datasets[dataset]


def synthetic_strips(plan: Plan, dataset: str) -> dict[str, Any]:
    """How the strips of a synthetic data set are drawn."""
    return chosen_dataset(plan, dataset).model_dump(exclude=_COMMON_KEYS | {"kind"})


def reader_spec(plan: Plan, dataset: str) -> dict[str, Any]:
    """What the reader needs to know of a data set; see `nearlabel.images.readers.read_dataset`."""
    chosen = chosen_dataset(plan, dataset)
    if chosen.kind == "synthetic":
        places = {"run": plan.config.run, "dataset": dataset}
        return {"kind": "synthetic", "root": fill(SYNTHETIC, **places), "table": fill(SYNTHETIC_TABLE, **places)}
    return chosen.model_dump(exclude=_COMMON_KEYS | {"extra_columns"})


def reader_input(plan: Plan, dataset: str) -> list[str]:
    """Files of a data set that this workflow makes itself; the user's own count by their listing."""
    spec = reader_spec(plan, dataset)
    return [spec["table"]] if spec["kind"] == "synthetic" else []


def reader_listing(plan: Plan, dataset: str) -> str | None:
    """Fingerprint of the user's files; None where this workflow makes them."""
    spec = reader_spec(plan, dataset)
    return None if spec["kind"] == "synthetic" else fingerprint_listing(spec)


@cache
def count_images(plan: Plan, dataset: str) -> int:
    """How many images a data set has at most, by its listing; 0 where it is missing."""
    chosen, spec = chosen_dataset(plan, dataset), reader_spec(plan, dataset)
    listed = chosen.count if spec["kind"] == "synthetic" else count_listed(spec)
    return min(listed, chosen.sample.n) if chosen.sample else listed


def reading_threads(plan: Plan, dataset: str) -> int:
    """Threads that read images: more for many; beyond eight they wait for each other."""
    return min(8, max(1, count_images(plan, dataset) // IMAGES_PER_THREAD))


def scale(plan: Plan, dataset: str) -> dict[str, Any]:
    """How values of more than 8 bits become 8 bits; see `nearlabel.images.scales.Scale`."""
    chosen = chosen_dataset(plan, dataset)
    return {"bits": None if chosen.bits == "auto" else chosen.bits, "float_range": chosen.float_range}


def extra_columns(plan: Plan, dataset: str) -> list[str]:
    """Columns of a data set's table, or of its layout, that groups are held against besides near-labels."""
    chosen = chosen_dataset(plan, dataset)
    if chosen.kind == "mvtec":
        return mvtec_columns(chosen.root)
    return chosen.extra_columns if chosen.kind == "csv" else []


def sample(plan: Plan, dataset: str) -> dict[str, Any] | None:
    """The sample to draw; near-labels belong to it only when it balances them."""
    chosen = chosen_dataset(plan, dataset)
    if chosen.sample is None:
        return None
    return {
        "n": chosen.sample.n,
        "near_labels": chosen.near_labels if chosen.sample.balance else None,
        "balance": chosen.sample.balance,
        "seed": derive_seed(plan.config.seed, f"sample/{dataset}"),
    }


def near_labels_file(plan: Plan, dataset: str) -> list[str]:
    """The user's list of near-labels, if there is one."""
    near_labels = chosen_dataset(plan, dataset).near_labels
    return [near_labels] if isinstance(near_labels, str) else []


def sample_labels_file(plan: Plan, dataset: str) -> list[str]:
    """The user's list of near-labels, if the sample depends on it."""
    drawn = sample(plan, dataset)
    return near_labels_file(plan, dataset) if drawn and drawn["balance"] else []
