"""What a job asks of a cluster, by its inputs and attempts."""

import math
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from nearlabel.plan import plan_run
from nearlabel.plan.resources import (
    clustering_memory,
    count_gpus,
    count_images,
    hours,
    memory,
    merging,
    minutes,
    pairs_mb,
    sizes_mb,
)

ROOT = SimpleNamespace(node="root")
EVERY_WAY = {
    "ward": {"name": "agglomerative"},
    "few": {"name": "agglomerative", "parameters": {"max_images": 1000}},
    "single": {"name": "agglomerative", "parameters": {"linkage": "single"}},
    "along": {"name": "agglomerative", "parameters": {"connectivity": "nearest_neighbors"}},
    "rbf": {"name": "spectral"},
    "few_rbf": {"name": "spectral", "parameters": {"max_images": 2000}},
    "neighbors": {"name": "spectral", "parameters": {"affinity": "nearest_neighbors"}},
    "kmeans": {"name": "kmeans"},
    "minibatch": {"name": "minibatch_kmeans"},
    "mixture": {"name": "gaussian_mixture"},
}


class Input(dict):
    """Files by name, as Snakemake gives them: by key and by attribute."""

    __getattr__ = dict.__getitem__


@pytest.fixture
def file(tmp_path):
    """Files of so many bytes, which take no room."""

    def make(name, size):
        with open(tmp_path / name, "wb") as opened:
            opened.truncate(size)
        return str(tmp_path / name)

    return make


@pytest.fixture(scope="module")
def plan():
    return plan_run(
        {
            "run": "demo",
            "datasets": {"steel": {"kind": "synthetic"}},
            "grouping": {
                "datasets": ["steel"],
                "levels": [
                    {"encoders": ["texture"], "algorithms": [{"id": id} | entry for id, entry in EVERY_WAY.items()]},
                    {"reduction": {"components": 100}, "algorithms": ["kmeans", "spectral"]},
                ],
            },
        }
    )


@pytest.fixture
def reduced(tmp_path):
    """Make a file of reduced features; returns its path."""

    def make(images, *, components, name="reduced.h5"):
        with h5py.File(tmp_path / name, "w") as opened:
            opened["features"] = np.zeros((images, components))
        return str(tmp_path / name)

    return make


@pytest.mark.parametrize(("attempt", "mb"), [(1, 2000), (2, 4000), (3, 6000)])
def test_fixed_memory_grows_with_the_attempts_alone(attempt, mb):
    assert memory(2000)(ROOT, attempt=attempt) == mb


def test_memory_counts_all_inputs(file):
    files = Input(one=file("one", 3_000_000), many=[file("a", 1_500_000), file("b", 500_000)])
    assert memory(1000, 4)(ROOT, input=files, attempt=1) == 1020
    assert memory(1000, 4)(ROOT, input=files, attempt=2) == 2040
    assert memory(1000, 0.5)(ROOT, input=files, attempt=3) == 3009


def test_memory_is_rounded_up(file):
    assert memory(1000, 6)(ROOT, input=Input(one=file("one", 1)), attempt=1) == 1001


def test_memory_of_some_inputs_leaves_out_those_not_yet_there(file):
    files = Input(scores="made/in/the/same/group.csv", labels=[file("a", 1_000_000), file("b", 2_000_000)])
    assert memory(1000, 4, ["labels"])(ROOT, input=files, attempt=1) == 1012
    assert memory(1000, 2, ["labels"])(ROOT, input=files | {"reduced": "not/there"}, attempt=2) == 2012
    # Snakemake takes this for a number that is not known yet.
    with pytest.raises(FileNotFoundError):
        memory(1000, 4)(ROOT, input=files, attempt=1)


def test_sizes_are_megabytes_of_one_file_or_several(file):
    one, other = file("one", 2_500_000), file("other", 0)
    assert sizes_mb(one) == [2.5]
    assert sizes_mb([one, other]) == [2.5, 0]


@pytest.mark.parametrize(
    ("id", "images", "mb"),
    [
        # 1000, six times the file of 50 components, and the pairs.
        ("kmeans", 1000, 1000 + 3),
        ("kmeans", 40_000, 1000 + 96),
        ("minibatch", 40_000, 1000 + 96),
        ("mixture", 40_000, 1000 + 96),
        ("ward", 10_000, 1000 + 24 + 800),
        ("ward", 20_000, 1000 + 48 + 3200),
        ("ward", 30_000, 1000 + 72 + 7200),
        ("ward", 40_000, 1000 + 96 + 7200),
        ("few", 40_000, 1000 + 96 + 8),
        ("single", 40_000, 1000 + 96),
        ("along", 40_000, 1000 + 96),
        ("rbf", 10_000, 1000 + 24 + 3400),
        ("rbf", 40_000, 1000 + 96 + 7650),
        ("few_rbf", 40_000, 1000 + 96 + 136),
        ("neighbors", 2500, 1000 + 6 + 57),
        ("neighbors", 5000, 1000 + 12 + 225),
        ("neighbors", 40_000, 1000 + 96 + 225),
    ],
)
def test_clustering_takes_memory_for_pairs_of_images(plan, reduced, id, images, mb):
    files = Input(reduced=reduced(images, components=50, name="reduced.h5"))
    asked = clustering_memory(plan, lambda wildcards: [id])
    assert asked(ROOT, input=files, attempt=1) == pytest.approx(mb, abs=1)
    assert asked(ROOT, input=files, attempt=3) == 3 * asked(ROOT, input=files, attempt=1)


def test_several_algorithms_run_one_after_the_other(plan, reduced):
    files = Input(reduced=reduced(10_000, components=50, name="reduced.h5"))
    asked = clustering_memory(plan, lambda wildcards: ["ward", "rbf", "kmeans"])
    assert asked(ROOT, input=files, attempt=1) == pytest.approx(1000 + 24 + 3400, abs=1)


def test_the_largest_of_several_reductions_counts(plan, reduced):
    files = Input(
        reduced=[
            reduced(1, components=50, name="a.h5"),
            reduced(10_000, components=50, name="b.h5"),
            reduced(2, components=50, name="c.h5"),
        ]
    )
    asked = clustering_memory(plan, lambda wildcards: ["ward"])
    assert asked(ROOT, input=files, attempt=1) == pytest.approx(1000 + 24 + 800, abs=1)


def test_a_nodes_own_level_counts(plan, reduced):
    asked = clustering_memory(plan, lambda wildcards: plan.level(wildcards.node).algorithms)
    files = Input(reduced=reduced(10_000, components=100, name="reduced.h5"))
    # 10 000 images of 100 components; spectral is the largest there.
    assert asked(SimpleNamespace(node="root.3.1"), input=files, attempt=1) == pytest.approx(1000 + 48 + 3400, abs=1)


def test_pairs_take_what_the_algorithm_holds(plan):
    algorithms = plan.level("root").algorithms
    mb = {id: pairs_mb(algorithms[id], 1000) for id in EVERY_WAY}
    assert mb == {
        "ward": 8,
        "few": 8,
        "single": 0,
        "along": 0,
        "rbf": 34,
        "few_rbf": 34,
        "neighbors": 9,
        "kmeans": 0,
        "minibatch": 0,
        "mixture": 0,
    }


def test_images_are_counted_by_the_header_and_unknown_ones_are_many(reduced, file):
    assert count_images(reduced(300, components=5)) == 300
    assert count_images(reduced(7, components=512)) == 7
    assert count_images(file("no.h5", 800)) == count_images("missing.h5") == math.inf


def test_a_damaged_file_asks_for_what_the_algorithm_holds_at_most(plan, file):
    asked = clustering_memory(plan, lambda wildcards: ["ward"])
    assert asked(ROOT, input=Input(reduced=file("no.h5", 800)), attempt=1) == 1000 + 1 + 7200


def test_time_grows_with_the_attempts():
    assert [minutes(10)(ROOT, attempt=attempt) for attempt in (1, 2)] == [10, 20]
    assert [hours(2)(ROOT, attempt=attempt) for attempt in (1, 3)] == [120, 360]


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), ("auto", 0), ("cuda", 1), ("cuda:1", 1)])
def test_only_cuda_asks_for_a_gpu(device, gpus):
    assert count_gpus(device) == gpus


def test_only_agglomerative_merges(plan):
    assert list(merging(plan.level("root").algorithms)) == ["ward", "few", "single", "along"]
    assert merging(plan.level("root.0").algorithms) == {}
