"""What the rules that encode or learn take from the plan of their networks."""

import pytest

from nearlabel.plan import plan_run
from nearlabel.plan.networks import (
    all_encoders,
    count_workers,
    decoded_images,
    encoder,
    encoder_files,
    encoder_seed,
    encoding_memory,
    encoding_threads,
    extraction_threads,
    feature_parts,
    first_part,
    learnt_values,
    network,
    network_files,
    placed_network,
    query_novelty,
    reference_seed,
    unfinished_encoders,
    weights_seed,
)

WHERE = {"weights_dir": "/weights", "weights_mirror": "https://mirror", "workers": 3, "device": "cuda:1"}
WHERE |= {"images_per_job": 500}
CUSTOM = {"name": "custom", "module": "mine/net.py", "callable": "build"}
DECODED, FROZEN = "results/{run}/{dataset}/images/", "results/{run}/{dataset}/learning/frozen.h5"


def encoding(*encoders, seed=0, datasets=None, **features):
    datasets = datasets or {"steel": {"kind": "synthetic"}}
    return plan_run(
        {
            "run": "demo",
            "seed": seed,
            "datasets": datasets,
            "features": features,
            "grouping": {"datasets": list(datasets), "levels": [{"encoders": list(encoders)}]},
        }
    )


def learning(network, features=None, **keys):
    return plan_run(
        {
            "run": "demo",
            "datasets": {"steel": {"kind": "synthetic"}},
            "features": features or {},
            "learning": {"datasets": ["steel"], "encoder": network} | keys,
        }
    )


def test_features_do_not_depend_on_where_they_are_computed():
    plan = encoding({"name": "vgg16", "id": "tiled", "geometry": "tile", "tile_overlap": 0.5}, **WHERE)
    assert encoder(plan, "tiled") == {
        "id": "tiled",
        "name": "vgg16",
        "module": None,
        "callable": None,
        "weights": "imagenet",
        "geometry": "tile",
        "image_size": None,
        "tile_overlap": 0.5,
        "tile_pool": "mean",
        "pooling": "average",
        "novelty": {"reference": 150, "temperature": 0.6, "share": "auto"},
        "batch_size": "auto",
        "precision": "float32",
        "threads": 1,
    }


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("texture", []),
        ({"name": "resnet18", "weights": "imagenet"}, []),
        ({"name": "resnet18", "weights": "seeded"}, []),
        ({"name": "resnet18", "weights": "ResNet18_Weights.IMAGENET1K_V1"}, []),
        ({"name": "resnet18", "weights": "mine/weights.pth"}, ["mine/weights.pth"]),
        ({"name": "resnet18", "weights": "mine/weights.pt"}, ["mine/weights.pt"]),
        (CUSTOM | {"weights": "mine/net.pth"}, ["mine/net.py", "mine/net.pth"]),
    ],
)
def test_the_users_own_files_make_an_encoder(entry, files):
    plan = encoding(entry)
    assert encoder_files(plan, *plan.encoders) == files


def test_only_seeded_weights_have_a_seed():
    pth = {"name": "resnet18", "id": "mine", "weights": "mine.pth"}
    tiled = {"name": "resnet18", "id": "tiled", "weights": "seeded", "geometry": "tile"}
    seeded = [{"name": name, "weights": "seeded"} for name in ("resnet18", "vgg16")]
    plan = encoding("texture", "resnet50", pth, tiled, *seeded)
    assert {id: encoder_seed(plan, id) for id in plan.encoders} == {
        "texture": None,
        "resnet50": None,
        "mine": None,
        "tiled": 3708994546,
        "resnet18": 3708994546,
        "vgg16": 3909930066,
    }


def test_seeds_of_weights_follow_the_runs():
    assert encoder_seed(encoding("resnet18", seed=1, weights="seeded"), "resnet18") == 996684521


def test_the_network_that_learns_is_seeded_as_an_encoder():
    plan = learning("resnet18", {"weights": "seeded"})
    assert weights_seed(plan, plan.network) == 3708994546
    plan = learning("resnet18")
    assert weights_seed(plan, plan.network) is None


def listing(tmp_path, files):
    for number in range(files):
        (tmp_path / f"{number}.png").touch()
    return {"tiles": {"kind": "image_folder", "root": str(tmp_path)}}


@pytest.mark.parametrize(
    ("workers", "files", "threads"), [(0, 300, 2), (1, 300, 2), (4, 300, 8), ("auto", 300, 4), ("auto", 3, 2)]
)
def test_each_process_that_encodes_has_the_threads_of_its_network(tmp_path, workers, files, threads):
    plan = encoding("resnet18", datasets=listing(tmp_path, files), threads=2, workers=workers)
    assert encoding_threads(plan, "tiles", "resnet18") == threads
    chosen = plan.encoders["resnet18"]
    assert count_workers(chosen, 100) == (50 if workers == "auto" else workers)
    assert count_workers(chosen, 1) == (1 if workers == "auto" else min(workers, 1))


def test_a_process_asks_for_the_memory_of_its_batch():
    small, large = (encoding(name).encoders[name] for name in ("resnet50", "efficientnet_b7"))
    assert encoding_memory(small, 1) < 5000 < encoding_memory(large, 1) < 11_000
    assert encoding_memory(large, 4) - encoding_memory(large, 3) == pytest.approx(6486, abs=1)


def test_a_large_data_set_is_encoded_in_parts(tmp_path):
    novel = {"name": "resnet18", "id": "novel", "pooling": "novelty"}
    plan = encoding("texture", novel, datasets=listing(tmp_path, 10), images_per_job=4)
    parts = feature_parts(plan, "tiles", "texture")
    assert parts == [f"results/demo/tiles/features/texture/part{part}of3.json" for part in range(3)]
    assert [first_part(plan, "tiles", "texture", part) for part in "012"] == [[], [], []]
    first = "results/demo/tiles/features/novel/part0of3.json"
    assert [first_part(plan, "tiles", "novel", part) for part in "012"] == [[], [first], [first]]
    assert extraction_threads(plan, "tiles", "texture") == 1
    assert feature_parts(encoding("texture", datasets=listing(tmp_path, 10)), "tiles", "texture") == []


def test_learning_does_not_depend_on_where_it_runs():
    plan = learning({"name": "resnet18", "image_size": [64, 256], "batch_size": 8}, WHERE)
    assert network(plan) == {
        "name": "resnet18",
        "weights": "imagenet",
        "geometry": "squash",
        "image_size": [64, 256],
        "tile_overlap": 0.0,
        "tile_pool": "mean",
        "batch_size": 8,
        "precision": "float32",
        "threads": 1,
    }
    assert placed_network(plan) == {
        "name": "resnet18",
        "weights": "imagenet",
        "geometry": "squash",
        "image_size": [64, 256],
    }


@pytest.mark.parametrize(
    ("weights", "files"), [("imagenet", []), ("seeded", []), ("a/b.pth", ["a/b.pth"]), ("a/b.pt", ["a/b.pt"])]
)
def test_the_users_own_weights_are_a_file(weights, files):
    assert network_files(learning({"name": "resnet18", "weights": weights})) == files


@pytest.mark.parametrize(
    ("size", "name"), [(64, "64.h5"), ([64, 64], "64x64.h5"), ([64, 256], "64x256.h5"), (None, "own.h5")]
)
def test_decoded_images_are_called_after_their_size(size, name):
    assert decoded_images(learning({"name": "resnet18", "image_size": size})) == DECODED + name


@pytest.mark.parametrize(
    ("fine_tune", "values"), [("full", DECODED + "96.h5"), ("last_block", FROZEN), ("head", FROZEN)]
)
def test_training_starts_from_what_is_not_frozen(fine_tune, values):
    plan = learning({"name": "resnet18", "image_size": 96}, fine_tune=fine_tune)
    assert learnt_values(plan) == values
    assert decoded_images(plan) == DECODED + "96.h5"


def test_rules_of_learning_have_patterns_where_nothing_is_learnt():
    plan = encoding("texture")
    assert decoded_images(plan) == learnt_values(plan) == DECODED + "own.h5"


def test_an_encoder_is_unfinished_until_every_data_set_has_its_features(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiled = {"name": "resnet18", "id": "tiled", "geometry": "tile"}
    datasets = {"steel": {"kind": "synthetic"}, "tiles": {"kind": "synthetic"}}
    levels = [{"encoders": ["vgg16", "texture", "resnet18", tiled]}]
    grouped = {"run": "demo", "datasets": datasets, "grouping": {"datasets": ["steel", "tiles"], "levels": levels}}
    plan = plan_run(grouped)
    assert unfinished_encoders(plan) == ["resnet18", "texture", "vgg16"]
    for dataset in datasets:
        (tmp_path / "results/demo" / dataset / "features").mkdir(parents=True)
        for id in ("vgg16", "resnet18"):
            (tmp_path / "results/demo" / dataset / f"features/{id}.h5").touch()
    (tmp_path / "results/demo/steel/features/texture.h5").touch()
    # Another entry of one network counts as well.
    assert unfinished_encoders(plan) == ["resnet18", "texture"]


def test_a_strategy_that_asks_for_novelty_has_the_network_that_learns_encode_the_images():
    around = {"id": "spread", "name": "balanced", "parameters": {"strategy": "novelty"}}
    features = {"weights": "seeded", "geometry": "tile", "novelty": {"reference": 20}}
    learnt = {"name": "resnet18", "geometry": "squash", "image_size": [64, 96]}
    plan = learning(learnt, features, strategies=["random", "novelty", around])
    chosen = encoder(plan, "query_novelty")
    assert {key: chosen[key] for key in ("name", "weights", "geometry", "image_size", "pooling")} == {
        **learnt, "weights": "seeded", "pooling": "novelty"
    }  # fmt: skip
    assert chosen["novelty"]["reference"] == 20
    assert plan.encoders == {} and list(all_encoders(plan)) == ["query_novelty"]
    assert encoder_seed(plan, "query_novelty") == weights_seed(plan, plan.network)
    file = "results/demo/steel/features/query_novelty.h5"
    assert [query_novelty(plan, "steel", id) for id in ("random", "novelty", "spread")] == [[], [file], [file]]
    assert unfinished_encoders(plan) == ["resnet18"]
    assert all_encoders(learning(learnt, features, strategies=["random"])) == {}


def test_a_network_without_maps_cannot_tell_novelty():
    with pytest.raises(ValueError, match=r"learning\.encoder: vit_b_16 passes no maps on"):
        learning("vit_b_16", strategies=["novelty"])


def test_reference_sets_are_seeded_and_only_where_there_are_any():
    one, other = (encoding("vgg16", {"id": "new", "name": "vgg16", "pooling": "novelty"}, seed=seed) for seed in (0, 1))
    assert reference_seed(one, "vgg16") == 0
    assert reference_seed(one, "new") != reference_seed(other, "new")
