import json

import numpy as np
import pandas as pd
import pytest

from nearlabel.features.store import write_features
from nearlabel.files import write_csv
from nearlabel.grouping.models.node import train_node
from nearlabel.grouping.models.saved import load_model
from nearlabel.grouping.models.training import train_models
from nearlabel.grouping.models.tree_rules import DEPTH, describe_tree
from nearlabel.grouping.selection.selected import Selection, write_selection
from nearlabel.images.duplicates import Hashes, write_hashes

NAMES = ["svm", "decision_tree", "isolation_forest", "nearest_centre"]
MODELS = [
    {"name": name, "parameters": {"n_estimators": 10}} if name == "isolation_forest" else {"name": name}
    for name in NAMES
]
REDUCTION = {"method": "pca", "components": 4, "standardise": None}
ENCODERS = {"texture": {"id": "texture", "name": "texture", "image_size": 32, "seed": None}, "other": {"name": "other"}}
FILES = {
    "scores": "scores.csv",
    "confusion": "confusion.csv",
    "predictions": "predictions.csv",
    "rules": "rules.txt",
    "model": "model.skops",
    "summary": "summary.json",
}


def train(labels, models=MODELS, seed=0, distance=8, **named):
    labels = np.asarray(labels)
    features = np.random.default_rng(0).normal(size=(len(labels), 5))
    features[:, 0] += distance * np.unique(labels, return_inverse=True)[1]
    contents = [str(number) for number in range(len(labels))]
    reduction = REDUCTION | {"standardise": False}
    named = {"folds": 3} | named
    return train_models(
        features, labels, contents, np.zeros(len(labels)), models, reduction=reduction, seed=seed, **named
    )


LABELS = ["good", "bad", "worse", "good"] * 6


def test_the_best_classifier_is_chosen_though_a_detector_scores_higher():
    # Labels that mean nothing: of three classes a third is right, of a detector's two answers a half.
    trained = train(LABELS, [{"name": "nearest_centre"}, {"name": "decision_tree"}], distance=0)
    detector, tree = (model["balanced_accuracy"] for model in trained.summary["models"])
    assert detector > tree
    assert trained.summary["chosen"] == "decision_tree"
    assert trained.summary["why"].startswith("choose names none: highest mean balanced accuracy of the classifiers, 0.")
    assert train(LABELS, MODELS[2:]).summary["chosen"] in ("isolation_forest", "nearest_centre")


def test_of_equals_the_first_is_chosen_unless_one_is_named():
    same = [{"id": id, "name": "svm"} for id in ("one", "two")]
    assert train(LABELS, same).summary["chosen"] == "one"
    trained = train(LABELS, same, choose="two")
    assert (trained.summary["chosen"], trained.summary["why"]) == ("two", "named by choose in the configuration")


def test_normal_is_the_most_frequent_label_unless_named():
    assert train(LABELS).summary["normal"] == "good"
    named = train(LABELS, normal="bad")
    assert set(named.validation.predictions["nearest_centre"]) == {"bad", "not bad"}


@pytest.mark.parametrize(
    ("models", "named", "sentence"),
    [
        (MODELS, {"choose": "tree"}, "choose names model 'tree', which is not among svm, decision_tree"),
        (MODELS, {"normal": "fine"}, "normal names class 'fine', which is not among 'bad', 'good', 'worse'"),
        ([{"name": "svm"}] * 2, {}, "models have the ids svm, svm: each once"),
        ([{"id": "truth", "name": "svm"}], {}, "none of image_id, fold, truth"),
    ],
)
def test_what_does_not_exist_is_named(models, named, sentence):
    with pytest.raises(ValueError, match=sentence):
        train(LABELS, models, **named)


def test_features_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="NaN or infinity"):
        train_models(
            np.full((8, 2), np.nan), ["a", "b"] * 4, list("12345678"), [0] * 8, MODELS, reduction={}, folds=2, seed=0
        )


def test_four_images_are_enough_for_every_model():
    trained = train(["a", "a", "b", "b"], folds=5)
    assert trained.summary["folds"] == 2
    assert trained.summary["notes"] == [
        "folds were cut from 5 to 2, the number of different images of class 'a', near-duplicates and images of one "
        "part counted once"
    ]


def test_a_tree_too_shallow_for_its_classes_is_noted():
    trained = train(
        [str(number % 6) for number in range(30)], [{"name": "decision_tree", "parameters": {"max_depth": 2}}]
    )
    assert trained.summary["notes"] == ["decision_tree cannot tell all 6 classes by 4 ends; raise its max_depth of 2"]


def test_a_described_tree_counts_its_images():
    models = [{"name": "decision_tree", "parameters": {"max_depth": "unlimited", "min_samples_leaf": 1}}]
    labels = np.random.default_rng(0).integers(0, 2, 300).astype(str)
    features = np.random.default_rng(1).normal(size=(300, 3))
    reduction = {"method": "none", "components": 1, "standardise": False}
    contents = [str(number) for number in range(300)]
    trained = train_models(features, labels, contents, np.zeros(300), models, reduction=reduction, folds=2, seed=0)
    root = trained.summary["tree"]["root"]
    assert root == describe_tree(trained.pipeline, "none", features, labels)
    # The first question, asked by hand.
    column = int(root["feature"].removeprefix("feature ")) - 1
    scaled = (features[:, column] - features[:, column].mean()) / features[:, column].std()
    assert root["yes"]["images"] == (scaled <= root["threshold"]).sum()

    def leaves(node, depth=0):
        if "feature" in node:
            assert node["images"] == node["yes"]["images"] + node["no"]["images"]
            return leaves(node["yes"], depth + 1) + leaves(node["no"], depth + 1)
        assert depth <= DEPTH
        assert ("leaves" in node) or node["right"] == node["images"]
        return node.get("leaves", 1)

    assert leaves(root) == trained.pipeline["model"].get_n_leaves()
    assert trained.rules.count("class: ") == leaves(root)


# From files to files


@pytest.fixture
def node(tmp_path):
    """A node of 24 of 30 images in three clusters, with near-labels for most; the second encoder has not won."""
    rng = np.random.default_rng(0)
    ids = [f"strip {number:02}.png" for number in range(30)]
    truth = np.arange(30) % 3
    features = rng.normal(size=(30, 6)) * [1, 100, 1, 1, 1, 1] + 9 * np.eye(3, 6)[truth] * [1, 100, 1, 1, 1, 1]
    for name in ENCODERS:
        attributes = {"network": name, "weights_sha256": "", "library_versions": '{"numpy": "2"}'}
        values = features if name == "texture" else features * 0
        write_features(tmp_path / f"{name}.h5", values.astype(np.float32), ids, attributes)
    write_csv(
        tmp_path / "images.csv", pd.DataFrame({"image_id": ids, "sha256": [str(n % 29) for n in range(30)], "part": ""})
    )
    # Of unlike images, but for those of one content.
    unlike = rng.integers(0, 2**63, (30, 8)).astype(np.uint64)
    write_hashes(tmp_path / "hashes.h5", ids, Hashes(unlike, np.zeros(30, bool), np.zeros((30, 64, 64), np.uint8)))
    labels = np.where(truth == 0, "0", "ein „Kratzer“")
    labels[:2] = ""
    write_csv(tmp_path / "near_labels.csv", pd.DataFrame({"image_id": ids, "near_label": labels}))
    inside = np.r_[29, 0:23]
    write_csv(tmp_path / "clusters.csv", pd.DataFrame({"image_id": np.array(ids)[inside], "cluster": truth[inside]}))
    write_selection(tmp_path / "selection.json", Selection("texture", "kmeans", 3, "silhouette", [2, 5], [], None))
    return tmp_path


def run(folder, target, to="out", models=MODELS):
    output = {name: folder / to / file for name, file in FILES.items()}
    train_node(
        [folder / f"{name}.h5" for name in ENCODERS],
        **{name: folder / f"{name}.csv" for name in ("images", "near_labels", "clusters")},
        hashes=folder / "hashes.h5",
        selection=folder / "selection.json",
        target=target,
        models=models,
        folds=5,
        duplicate_distance=4,
        choose=None,
        normal=None,
        reduction=REDUCTION,
        encoders=ENCODERS,
        seed=1,
        dataset="steel",
        node="root.1",
        output=output,
    )
    return output


@pytest.mark.parametrize("target", ["clusters", "near_labels"])
def test_a_node_s_files(target, node):
    output = run(node, target)
    summary = json.loads(output["summary"].read_text(encoding="utf-8"))
    expected = {"0": 8, "1": 8, "2": 8} if target == "clusters" else {"0": 7, "ein „Kratzer“": 15}
    assert summary["classes"] == expected
    assert summary["images"] == sum(expected.values())
    assert (summary["dataset"], summary["node"], summary["target"]) == ("steel", "root.1", target)
    assert (summary["encoder"], summary["components"], summary["folds"]) == ("texture", 4, 5)
    assert [model["id"] for model in summary["models"]] == NAMES
    # Image 0 and image 29 are copies; image 0 has no near-label.
    copies = ["near-duplicates and images of one part are kept in one fold: 24 images are 23 groups"]
    assert summary["notes"] == (copies if target == "clusters" else ["2 of 24 images have no label and were left out"])
    predictions = pd.read_csv(output["predictions"], dtype=str, keep_default_na=False)
    assert list(predictions) == ["image_id", "fold", "truth", *NAMES]
    assert predictions["image_id"].iloc[0] == "strip 29.png"
    # Clear groups, once column 1 has the scale of the others, as texture is standardised.
    assert (predictions["svm"] == predictions["truth"]).mean() > 0.8
    means = pd.read_csv(output["scores"]).groupby("model")["balanced_accuracy"].mean()
    for model in summary["models"]:
        assert model["balanced_accuracy"] == pytest.approx(means[model["id"]])
    rules = output["rules"].read_text(encoding="utf-8")
    assert f"for the {target.replace('_', '-')} of node root.1 of steel, learnt" in rules
    assert "|--- component" in rules and "class: 0" in rules
    saved = load_model(output["model"])
    assert saved["classes"] == list(expected)
    assert saved["encoder"] == {
        "id": "texture",
        "seed": None,
        "options": {"id": "texture", "name": "texture", "image_size": 32},
        "weights_sha256": "",
        "weights_dir": "",
        "library_versions": {"numpy": "2"},
        "scale": {"bits": 16, "float_range": None},
    }
    assert saved["scores"]["roc_auc"] == next(m for m in summary["models"] if m["id"] == summary["chosen"])["roc_auc"]


def test_the_same_input_gives_the_same_bytes(node):
    one, two = (run(node, "near_labels", to) for to in ("one", "two"))
    for name in FILES:
        assert one[name].read_bytes() == two[name].read_bytes(), name


def test_without_a_tree_the_rules_say_so(node):
    output = run(node, "clusters", models=MODELS[:1])
    assert (
        output["rules"].read_text().startswith("No decision tree is among the models for the clusters of node root.1")
    )
    assert json.loads(output["summary"].read_text())["tree"] is None


def test_a_node_without_near_labels_is_one_sentence(node):
    near_labels = pd.read_csv(node / "near_labels.csv", dtype=str)
    write_csv(node / "near_labels.csv", near_labels.assign(near_label=""))
    with pytest.raises(ValueError, match=r"near-labels of node root\.1 of steel: there are 0 images of 0 classes"):
        run(node, "near_labels")
    assert not (node / "out").exists()


def test_images_of_one_part_stay_in_one_fold(node):
    images = pd.read_csv(node / "images.csv", dtype=str)
    parts = [f"part {number // 3 % 8}" for number in range(30)]
    write_csv(node / "images.csv", images.assign(part=parts))
    output = run(node, "clusters")
    folds = pd.read_csv(output["predictions"]).set_index("image_id")["fold"]
    part = pd.Series(parts, index=images["image_id"]).loc[folds.index]
    assert folds.groupby(part).nunique().eq(1).all()
    # Image 29 is a copy of image 0 and of part 1: it joins parts 0 and 1.
    notes = json.loads(output["summary"].read_text())["notes"]
    assert "near-duplicates and images of one part are kept in one fold: 24 images are 7 groups" in notes
