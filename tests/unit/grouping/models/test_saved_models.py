import io
import json
import pickle
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler
from sklearn.tree import DecisionTreeClassifier

from nearlabel.grouping.models.catalogue import CLASSIFIER
from nearlabel.grouping.models.pipelines import CATALOGUE, fit_model, fit_reduction
from nearlabel.grouping.models.saved import KEYS, load_model, save_model
from nearlabel.grouping.models.trusted import TRUSTED

REDUCTION = {"method": "pca", "components": 3, "standardise": True, "power": "sqrt", "normalise": "l2"}


def fitted(name, seed=0):
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(30, 6)), np.array(["a", "b", "größe\n"] * 10)
    target = labels if CATALOGUE[name].kind == CLASSIFIER else rng.integers(0, 2, 30)
    quick = {"mlp": {"max_iter": 30}, "isolation_forest": {"n_estimators": 10}}
    entry = {"id": name, "name": name, "parameters": quick.get(name, {})}
    pipeline, _ = fit_model(fit_reduction(features, REDUCTION, 0), features, target, entry, seed)
    return features, dict.fromkeys(KEYS) | {
        "pipeline": pipeline,
        "classes": ["a", "b", "größe\n"],
        "kind": CATALOGUE[name].kind,
    }


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_model_comes_back_whole_and_the_same_bytes(name, tmp_path):
    features, model = fitted(name)
    # Text that looks like skops' own keys.
    model["dataset"] = '"__id__": 12,\n"file": "140.npy"'
    save_model(tmp_path / "one.skops", model)
    save_model(tmp_path / "two.skops", fitted(name)[1] | {"dataset": model["dataset"]})
    assert (tmp_path / "one.skops").read_bytes() == (tmp_path / "two.skops").read_bytes()
    back = load_model(tmp_path / "one.skops")
    assert back["dataset"] == model["dataset"] and back["classes"] == model["classes"]
    np.testing.assert_array_equal(back["pipeline"].predict(features), model["pipeline"].predict(features))
    np.testing.assert_array_equal(back["pipeline"][:-1].transform(features), model["pipeline"][:-1].transform(features))
    assert set(skops.io.get_untrusted_types(file=tmp_path / "one.skops")) <= set(TRUSTED)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.skops", "two.skops"]


def test_saving_asks_for_every_key(tmp_path):
    _, model = fitted("svm")
    del model["classes"]
    with pytest.raises(ValueError, match="a saved model has the keys pipeline, model"):
        save_model(tmp_path / "model.skops", model)


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_is_refused_and_not_run(tmp_path):
    path, trace = tmp_path / "model.skops", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Harmful(str(trace))))
    with pytest.raises(ValueError, match=r"is no saved model.*a pickle is never read"):
        load_model(path)
    assert not trace.exists()


def test_a_file_with_another_type_is_refused_by_the_type_s_name(tmp_path):
    path, trace = tmp_path / "model.skops", tmp_path / "trace"
    _, model = fitted("svm")
    path.write_bytes(skops.io.dumps(model | {"scores": PurePosixPath}))
    with pytest.raises(ValueError, match=r"is refused: it holds pathlib\.PurePosixPath, which is not trusted"):
        load_model(path)
    # A crafted one: a call of os.system in the place of a harmless object.
    content = skops.io.dumps(model | {"scores": np.random.RandomState(0)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema["content"]["scores"] |= {"__class__": "system", "__module__": "os", "__loader__": "ObjectNode"}
    members["schema.json"] = json.dumps(schema).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"is refused: it holds os\.system"):
        load_model(path)
    assert not trace.exists()


def test_other_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no such model"):
        load_model(tmp_path / "none.skops")
    path = tmp_path / "other.skops"
    path.write_bytes(skops.io.dumps({"pipeline": 1}))
    with pytest.raises(ValueError, match="damaged or no saved model"):
        load_model(path)
    _, model = fitted("svm")
    save_model(path, model)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="no saved model"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
    with pytest.raises(ValueError, match="damaged or no saved model"):
        load_model(path)


@pytest.mark.parametrize("name", ["decision_tree", "isolation_forest"])
@pytest.mark.parametrize("flaw", ["outside", "circle", "feature"])
def test_a_tree_that_would_leave_its_arrays_is_refused(name, flaw, tmp_path):
    _, model = fitted(name)
    last = model["pipeline"][-1]
    tree = (last.estimators_[3] if name == "isolation_forest" else last).tree_
    inner = int(np.flatnonzero(tree.children_left != -1)[-1])
    if flaw == "feature":
        tree.feature[inner] = 1000
    else:
        tree.children_left[inner] = 10**6 if flaw == "outside" else 0
    save_model(tmp_path / "model.skops", model)
    with pytest.raises(ValueError, match="a tree in it is not sound"):
        load_model(tmp_path / "model.skops")


def crafted_tree(features, labels):
    """A tree whose walk never ends."""
    tree = DecisionTreeClassifier(max_depth=2).fit(features, labels)
    tree.tree_.children_left[0] = 0
    return tree


def boosted(features, labels):
    return GradientBoostingClassifier(n_estimators=2).fit(features, labels)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda steps, x, y: [*steps, ("model", make_pipeline(crafted_tree(x, y)))], "its step 'model' is .*Pipeline"),
        (
            lambda steps, x, y: [
                ("reduce", Pipeline([*steps, ("inner", crafted_tree(x, y))])),
                ("model", crafted_tree(x, y)),
            ],
            "its step 'reduce' is .*Pipeline",
        ),
        (lambda steps, x, y: [*steps, ("model", boosted(x, y))], "its step 'model' is .*GradientBoostingClassifier"),
        (
            lambda steps, x, y: [*steps, ("model", RandomForestClassifier(3).fit(x, y))],
            "its step 'model' is .*RandomForestClassifier",
        ),
        (lambda steps, x, y: [("scale", MinMaxScaler().fit(x)), ("model", boosted(x, y))], "'scale' is .*MinMaxScaler"),
        (lambda steps, x, y: [*steps[::-1], ("model", boosted(x, y))], "its steps are 'scale', 'varies', 'reduce'"),
        (lambda steps, x, y: [("first", FunctionTransformer()), *steps], "its steps are 'first'"),
    ],
)
def test_a_pipeline_of_other_steps_is_refused(make, sentence, tmp_path):
    features, model = fitted("decision_tree")
    steps = make(model["pipeline"].steps[:-1], features, np.array(["a", "b", "c"] * 10))
    path = tmp_path / "model.skops"
    save_model(path, model | {"pipeline": Pipeline(steps)})
    with pytest.raises(ValueError, match=rf"is refused: .*{sentence}"):
        load_model(path)


@pytest.mark.parametrize("place", ["attribute", "list", "scores", "memory", "forest", "whole"])
def test_an_estimator_held_anywhere_else_is_refused(place, tmp_path):
    features, model = fitted("isolation_forest")
    other, pipeline = boosted(features, np.array(["a", "b"] * 15)), model["pipeline"]
    if place == "attribute":
        pipeline["scale"].mean_ = other
    elif place == "list":
        pipeline["model"].estimators_.append([{"deep": other}])
    elif place == "forest":
        pipeline["model"].estimators_[0] = other
    elif place == "memory":
        pipeline.memory = other
    elif place == "scores":
        model["scores"] = {"one": other}
    else:
        model["pipeline"] = other
    save_model(tmp_path / "model.skops", model)
    with pytest.raises(
        ValueError, match=r"is refused: it.* is .*GradientBoosting|is refused: it holds .*GradientBoosting"
    ):
        load_model(tmp_path / "model.skops")


def test_a_forest_whose_trees_read_other_features_is_refused(tmp_path):
    _, model = fitted("isolation_forest")
    _, wider = fitted("isolation_forest")
    forest = model["pipeline"]["model"]
    forest._max_features = 1
    save_model(tmp_path / "model.skops", model)
    with pytest.raises(ValueError, match="its forest's trees see a part of the features"):
        load_model(tmp_path / "model.skops")
    # Each tree agrees with itself, but not with the forest, which does not ask.
    forest = wider["pipeline"]["model"]
    forest.n_features_in_ = forest._max_features = 2
    save_model(tmp_path / "model.skops", wider)
    with pytest.raises(ValueError, match="a tree in it is not sound"):
        load_model(tmp_path / "model.skops")
