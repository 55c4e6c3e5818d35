import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.models.validation import FoldFits, cross_validate, find_learnable, stratified_folds

REDUCTION = {"method": "pca", "components": 4, "standardise": False}
MODELS = [
    {"id": name, "name": name, "parameters": {"n_estimators": 10} if name == "isolation_forest" else {}}
    for name in ("svm", "decision_tree", "isolation_forest", "nearest_centre")
]


def images(n=40, seed=0, distance=6.0):
    rng = np.random.default_rng(seed)
    labels = np.array(["good", "bad"] * (n // 2))
    return rng.normal(size=(n, 5)) + distance * (labels == "bad")[:, None] * np.eye(5)[0], labels


def validate(features, labels, fold, models=MODELS, normal="good"):
    clusters = np.zeros(len(labels), dtype=int)
    return cross_validate(features, labels, clusters, fold, models, reduction=REDUCTION, normal=normal, seed=0)


# What can be learnt


def test_unlabelled_images_and_single_ones_are_left_out_and_named():
    labels = ["a", "a", "b", "b", "lone", "", "copied", "copied"]
    keep, notes = find_learnable(labels, ["1", "2", "3", "4", "5", "6", "7", "7"])
    assert keep.tolist() == [True] * 4 + [False] * 4
    assert notes[0] == "1 of 8 images have no label and were left out"
    assert notes[1].endswith("'copied', 'lone' (2 of 4 classes, 3 of 7 images)")


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        ([""] * 6, "there are 0 images of 0 classes to learn from \\(6 of 6 images have no label"),
        (["a"] * 6, "there are 6 images of 1 classes to learn from; models need at least 4 images"),
        (["a", "a", "b"], "there are 2 images of 1 classes"),
    ],
)
def test_too_little_is_one_sentence(labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        find_learnable(labels, [str(number) for number in range(len(labels))])


def test_a_class_of_one_part_is_left_out():
    groups = [0, 0, 0, 3, 4, 5, 6, 7]
    keep, notes = find_learnable(["one"] * 3 + ["a"] * 3 + ["b"] * 2, groups)
    assert keep.tolist() == [False] * 3 + [True] * 5
    assert "'one' (1 of 3 classes, 3 of 8 images)" in notes[0]


def test_features_that_tell_the_part_alone_score_about_chance():
    rng = np.random.default_rng(0)
    parts = np.repeat(np.arange(60), 4)
    labels = np.repeat(np.array(["good", "bad"])[rng.permutation(60) % 2], 4)
    features = rng.normal(size=(60, 5))[parts] + 0.01 * rng.normal(size=(240, 5))
    # Models that can learn every part by heart.
    models = [
        {"id": "svm", "name": "svm", "parameters": {"C": 1000.0}},
        {"id": "tree", "name": "decision_tree", "parameters": {"max_depth": "unlimited"}},
    ]
    scores = {}
    for known in (True, False):
        groups = parts if known else np.arange(240)
        fold, notes = stratified_folds(labels, groups, 5, 0)
        assert (
            notes == ["near-duplicates and images of one part are kept in one fold: 240 images are 60 groups"][:known]
        )
        found = validate(features, labels, fold, models).scores
        scores[known] = found.groupby("model")["balanced_accuracy"].mean()
    assert (scores[False] > 0.9).all()
    assert scores[True].between(0.35, 0.65).all()


# Folds


def test_folds_hold_every_class_alike_and_repeat():
    labels = np.array(["a"] * 30 + ["b"] * 10)
    contents = [str(number) for number in range(40)]
    fold, notes = stratified_folds(labels, contents, 5, 7)
    assert notes == []
    assert pd.crosstab(labels, fold).to_numpy().tolist() == [[6] * 5, [2] * 5]
    np.testing.assert_array_equal(fold, stratified_folds(labels, contents, 5, 7)[0])
    assert (fold != stratified_folds(labels, contents, 5, 8)[0]).any()


def test_folds_are_cut_to_the_smallest_class_of_different_images():
    labels = ["a"] * 9 + ["b"] * 4
    contents = [*"123456789", "x", "y", "z", "z"]
    fold, notes = stratified_folds(labels, contents, 5, 0)
    assert set(fold) == {0, 1, 2}
    assert notes == [
        "folds were cut from 5 to 3, the number of different images of class 'b', near-duplicates and images of one "
        "part counted once",
        "near-duplicates and images of one part are kept in one fold: 13 images are 12 groups",
    ]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_copies_are_never_on_both_sides(data):
    # Any images with copies, each class with two different ones at least.
    n = data.draw(st.integers(0, 20))
    extra = data.draw(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 8)), min_size=n, max_size=n))
    rows = [("a", 0), ("a", 1), ("b", 2), ("b", 3), *extra]
    labels, contents = zip(*((label, str(content)) for label, content in rows), strict=True)
    fold, _ = stratified_folds(labels, contents, data.draw(st.integers(2, 6)), data.draw(st.integers(0, 5)))
    places = pd.Series(fold).groupby(np.array(contents)).nunique()
    assert (places == 1).all()
    assert set(fold) == set(range(fold.max() + 1))


# Leakage


def test_what_is_fitted_does_not_depend_on_the_fold_s_test_images():
    features, labels = images()
    fold = np.arange(40) // 2 % 4
    before = validate(features, labels, fold)
    # Move the test images of fold 0 far away: their own answers may change, and those of no model trained without
    # them; the models of the other folds see them in training.
    wild = features.copy()
    wild[fold == 0] *= 1e6
    spied = {}
    for name, values in (("before", features), ("after", wild)):
        fits = FoldFits(values[fold != 0], labels[fold != 0], np.zeros(30), REDUCTION, "good", 0)
        spied[name] = [fits.fit(model)[0] for model in MODELS]
    for one, other in zip(*spied.values(), strict=True):
        np.testing.assert_array_equal(one[:-1].transform(features), other[:-1].transform(features))
        np.testing.assert_array_equal(one.predict(features), other.predict(features))
    after = validate(wild, labels, fold)
    rest = after.predictions["fold"] != 0
    assert (before.predictions.loc[rest, "svm"] != after.predictions.loc[rest, "svm"]).any()


def test_every_step_is_fitted_on_training_rows_only(monkeypatch):
    from sklearn.decomposition import PCA
    from sklearn.feature_selection import VarianceThreshold
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    features, labels = images(20)
    # Column 0 tells rows apart by value, so that what a step is fitted on says which rows it has seen.
    seen = []
    for step in (StandardScaler, PCA, VarianceThreshold, SVC):

        def spy(self, X, *rest, _fit=step.fit, **named):
            seen.append((type(self).__name__, len(X)))
            return _fit(self, X, *rest, **named)

        monkeypatch.setattr(step, "fit", spy)
    first = []
    transform = PCA.fit_transform

    def spy_rows(self, X, y=None):
        first.append(X.copy())
        return transform(self, X, y)

    monkeypatch.setattr(PCA, "fit_transform", spy_rows)
    fold = np.arange(20) // 2 % 5
    validate(features, labels, fold, MODELS[:1])
    assert {size for _, size in seen} == {16}
    assert {name for name, _ in seen} >= {"SVC", "StandardScaler"}
    assert len(first) == 5
    for number, rows in enumerate(first):
        training = features[fold != number]
        np.testing.assert_allclose(rows, training - training.mean(axis=0), atol=1e-12)


def test_detectors_learn_from_normal_images_only():
    features, labels = images()
    fold = np.arange(40) // 2 % 4
    wild = features.copy()
    wild[labels == "bad"] += np.random.default_rng(1).normal(size=(20, 5)) * 50
    one, other = (validate(values, labels, fold, MODELS[2:]).predictions for values in (features, wild))
    good = labels == "good"
    for name in ("isolation_forest", "nearest_centre"):
        assert (one.loc[good, name] == other.loc[good, name]).all()


# Scores


def test_scores_of_a_known_answer():
    # A tree of one question over a feature that tells all but one image of each fold.
    features = np.zeros((12, 5))
    labels = np.array(["a"] * 6 + ["b"] * 6)
    features[6:, 0] = 1
    features[[0, 6], 0] = 1, 0
    fold = np.arange(12) % 2
    found = validate(features, labels, fold, [MODELS[1]], normal="a")
    scores = found.scores.set_index("fold")
    # Fold 0 tests 0, 2, 4, 6, 8, 10, of which 0 and 6 are on the wrong side; fold 1 has none wrong.
    assert scores.loc[1, ["balanced_accuracy", "macro_f1", "roc_auc"]].tolist() == [1, 1, 1]
    np.testing.assert_allclose(scores.loc[0, ["balanced_accuracy", "macro_f1"]].astype(float), 2 / 3)
    counts = found.confusion.set_index(["truth", "predicted"])["count"].to_dict()
    assert counts == {("a", "a"): 5, ("a", "b"): 1, ("b", "a"): 1, ("b", "b"): 5}


def test_tables_have_their_columns_and_every_count():
    features, labels = images(40, distance=12)
    labels = np.where(np.arange(40) % 10 == 1, "worse", labels)
    found = validate(features, labels, np.arange(40) // 10)
    assert list(found.scores) == ["model", "kind", "fold", "balanced_accuracy", "macro_f1", "roc_auc"]
    assert list(found.scores["model"]) == [model["id"] for model in MODELS for _ in range(4)]
    assert list(found.predictions) == ["fold", "truth", *(model["id"] for model in MODELS)]
    counts = found.confusion.groupby("model")["count"].sum()
    assert (counts == 40).all()
    detector = found.confusion[found.confusion["model"] == "nearest_centre"]
    assert list(zip(detector["truth"], detector["predicted"], strict=True))[:2] == [
        ("bad", "good"),
        ("bad", "not good"),
    ]
    assert set(detector["truth"]) == {"bad", "good", "worse"}
    assert (found.scores["balanced_accuracy"] >= 0.5).all()


def test_roc_auc_is_missing_where_a_fold_lacks_a_class():
    features, labels = images(12)
    fold = np.array([0, 1, 0, 1, 0, 0, 2, 2, 2, 2, 2, 2])  # Fold 1 tests "bad" only.
    scores = validate(features, labels, fold).scores
    lacking = scores["fold"] == 1
    assert scores.loc[lacking, "roc_auc"].isna().all()
    assert scores.loc[~lacking, "roc_auc"].notna().all()
    assert scores["balanced_accuracy"].notna().all()


def test_a_class_missing_in_training_is_noted_and_one_class_alone_refused():
    features, labels = images(12)
    labels = np.array(["lone", *labels[1:]])
    found = validate(features, labels, np.arange(12) // 6, normal="bad")
    assert found.notes == ["fold 0 was trained without an image of 'lone'"]
    with pytest.raises(ValueError, match="fold 0 leaves one class to learn"):
        validate(features, np.array(["a"] * 6 + ["b"] * 6), np.arange(12) // 6, normal="b")
    with pytest.raises(ValueError, match="no image of the normal one"):
        validate(features, labels, np.arange(12) // 6, normal="lone")
