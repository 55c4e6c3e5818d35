import warnings

import numpy as np
import pytest
from sklearn.base import clone

from nearlabel.grouping.models.catalogue import CATALOGUE, CLASSIFIER
from nearlabel.grouping.models.detectors import NearestCentreDetector
from nearlabel.grouping.models.pipelines import (
    anomaly_scores,
    class_scores,
    fit_model,
    fit_reduction,
    make_model,
    name_components,
    predict,
    sort_classes,
    wants_scaling,
)
from nearlabel.grouping.reduction.reduce import reduce_features

PCA = {"method": "pca", "components": 50, "standardise": False}


def blobs(n=30, d=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"] * (n // 3))
    return rng.normal(size=(n, d)) + 4 * np.repeat(np.eye(3, d)[None], n // 3, axis=0).reshape(n, d), labels


def entry(name, **parameters):
    return {"id": name, "name": name, "parameters": parameters}


def test_every_model_has_its_table_and_scikit_learn_knows_its_defaults():
    features, labels = blobs()
    for name, model in CATALOGUE.items():
        for parameter, known in model.parameters.items():
            assert known.problem(known.default) is None
            for word in known.words:
                if parameter != "scaling":
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        # scikit-learn refuses here what it does not know.
                        make_model(name, {parameter: word}, 0).fit(features, labels)


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        ("forest", {}, "unknown model 'forest'; choose one of svm, decision_tree, mlp"),
        ("svm", {"c": 1}, "svm has no parameter 'c'; it has C, kernel"),
        ("nearest_centre", {"quantile": 1.5}, "parameter 'quantile' of nearest_centre must be a number from 0 to 1"),
        ("isolation_forest", {"contamination": 0.6}, "must be 'auto' or a number from 1e-06 to 0.5, not 0.6"),
    ],
)
def test_unknown_settings_are_named(name, parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_model(name, parameters, 0)


@pytest.mark.parametrize("components", [50, "min", 0.99])
def test_components_are_cut_and_directions_without_variance_dropped(components):
    # Ten images span nine directions; the tenth component of a PCA to min(n, d) is rounding error.
    features = np.random.default_rng(0).normal(size=(10, 40))
    steps = fit_reduction(features, PCA | {"components": components}, 0)
    assert steps.transform(features).shape[1] <= 9
    new = np.random.default_rng(1).normal(size=(5, 40))
    # Scaled-up rounding errors would be some 1e14.
    assert np.abs(steps.transform(new)).max() < 10


@pytest.mark.parametrize("shape", [(60, 8), (8, 60)])
@pytest.mark.parametrize("components", [3, 0.9])
def test_nearly_the_same_images_far_from_zero_are_reduced_as_the_node_s(shape, components):
    spread = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    features = 1e7 + 1e-2 * spread
    steps = fit_reduction(features, PCA | {"components": components}, 0, scale=False)
    node = reduce_features(features, "pca", components, standardise=False, seed=0).values
    np.testing.assert_allclose(steps.transform(features), node, atol=1e-6 * np.abs(node).max())


def test_copied_columns_do_not_become_components():
    features = np.random.default_rng(0).normal(size=(50, 4))
    steps = fit_reduction(np.tile(features, 3), PCA | {"standardise": True}, 0)
    assert name_components(steps, "pca") == [f"component {number}" for number in range(1, 5)]
    np.testing.assert_allclose(steps.transform(np.tile(features, 3)).std(axis=0), 1)


def test_names_of_components_count_those_that_were_dropped():
    features = np.random.default_rng(0).normal(size=(20, 3))
    features[:, 1] = 7
    steps = fit_reduction(features, {"method": "none", "components": 1, "standardise": False}, 0)
    assert name_components(steps, "none") == ["feature 1", "feature 3"]
    projection = {"method": "random_projection", "components": 2, "standardise": False}
    assert name_components(fit_reduction(features, projection, 0), "random_projection") == [
        "projection 1",
        "projection 2",
    ]


@pytest.mark.parametrize("rows", [1, 5])
def test_images_that_differ_in_nothing_are_learnt_without_a_crash(rows):
    features = np.full((rows, 4), 0.1)
    steps = fit_reduction(features, PCA | {"standardise": True}, 0)
    detector, _ = fit_model(steps, features, np.zeros(rows), entry("nearest_centre"), 0)
    assert detector.predict(features[:1])[0] == 1
    assert detector.predict(features[:1] + 1)[0] == -1
    assert name_components(steps, "pca") == [f"feature {number}" for number in range(1, 5)]


def test_scaling_follows_the_standardising_unless_named():
    assert wants_scaling(entry("svm"), standardise=False)
    assert not wants_scaling(entry("svm"), standardise=True)
    assert wants_scaling(entry("svm", scaling="each"), standardise=True)
    assert not wants_scaling(entry("mlp", scaling="none"), standardise=False)
    assert wants_scaling(entry("decision_tree"), standardise=True)
    features, _ = blobs()
    assert "scale" not in fit_reduction(features, PCA, 0, scale=False).named_steps


@pytest.mark.parametrize("name", CATALOGUE)
def test_scores_agree_with_answers(name):
    features, labels = blobs(60)
    classifier = CATALOGUE[name].kind == CLASSIFIER
    chosen, target = (features, labels) if classifier else (features[labels == "a"], np.zeros(20))
    steps = fit_reduction(chosen, PCA, 0)
    pipeline, _ = fit_model(steps, chosen, target, entry(name), 0)
    said, scores = predict(pipeline, CATALOGUE[name].kind, features, "a")
    if classifier:
        assert scores.shape == (60, 3)
        assert (pipeline.classes_[scores.argmax(axis=1)] == said).all()
        assert (said == labels).mean() > 0.9
        np.testing.assert_array_equal(scores, class_scores(pipeline, features))
    else:
        assert set(said) == {"a", "not a"}
        assert ((scores > 0) == (said == "not a")).all()
        assert (said[labels != "a"] == "not a").mean() > 0.9
        np.testing.assert_array_equal(scores, anomaly_scores(pipeline, features))


def test_two_classes_have_a_score_each():
    features, labels = blobs()
    two = labels != "c"
    pipeline, _ = fit_model(fit_reduction(features[two], PCA, 0), features[two], labels[two], entry("svm"), 0)
    scores = class_scores(pipeline, features)
    np.testing.assert_array_equal(scores[:, 0], -scores[:, 1])


def test_a_perceptron_that_does_not_converge_says_so():
    features, labels = blobs()
    steps = fit_reduction(features, PCA, 0)
    _, notes = fit_model(steps, features, labels, {"id": "net", "name": "mlp", "parameters": {"max_iter": 2}}, 0)
    assert notes == ["net did not converge in max_iter = 2 iterations"]


def test_trees_do_not_split_what_is_pure():
    # Weights of 1/3 of these classes do not sum exactly: their impurity is a rounding error, not 0.
    rng = np.random.default_rng(0)
    labels = np.array(["free"] * 167 + ["crack"] * 11 + ["fray"] * 8)
    features = rng.normal(size=(len(labels), 5)) + 9.0 * (labels == "free")[:, None]
    tree = make_model("decision_tree", {"max_depth": "unlimited", "min_samples_leaf": 1}, 0).fit(features, labels)
    for node in np.flatnonzero(tree.tree_.children_left != -1):
        assert (tree.tree_.value[node] > 1e-9).sum() > 1


def test_classes_of_numbers_are_in_their_order():
    assert sort_classes(["10", "2", "0", "2"]) == ["0", "2", "10"]
    assert sort_classes(["b", "10", "2"]) == ["10", "2", "b"]


# The distance to the nearest centre


def test_centres_are_the_means_of_clusters_and_the_threshold_a_quantile():
    features = np.array([[0.0, 0], [2, 0], [10, 0], [10, 4]])
    detector = NearestCentreDetector(quantile=0.5).fit(features, ["x", "x", "y", "y"])
    np.testing.assert_array_equal(detector.centres_, [[1, 0], [10, 2]])
    assert detector.threshold_ == 1.5  # Between the distances 1, 1, 2, 2.
    np.testing.assert_array_equal(detector.score_samples([[1, 3], [10, 2]]), [-3, 0])
    np.testing.assert_array_equal(detector.predict([[1, 1.5], [1, 1.6]]), [1, -1])


def test_without_clusters_there_is_one_centre_and_quantile_one_takes_all_in():
    features = np.random.default_rng(0).normal(size=(40, 3))
    detector = clone(NearestCentreDetector(1.0)).fit(features)
    np.testing.assert_allclose(detector.centres_, features.mean(axis=0)[None])
    assert (detector.predict(features) == 1).all()


def test_the_detector_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="2 clusters are named for 3 images"):
        NearestCentreDetector().fit(np.zeros((3, 2)), [0, 1])
    with pytest.raises(ValueError, match="quantile"):
        NearestCentreDetector(2).fit(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="3 features"):
        NearestCentreDetector().fit(np.zeros((3, 2))).predict(np.zeros((1, 3)))
