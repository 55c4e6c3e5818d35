import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import GaussianRandomProjection
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from nearlabel.grouping.models.pipelines import fit_reduction
from nearlabel.grouping.models.validation import cross_validate, stratified_folds
from nearlabel.grouping.reduction.reduce import reduce_features
from nearlabel.seeds import derive_seed

SEED = 4
CLASSIFIERS = {
    "svm": lambda seed: SVC(class_weight="balanced", random_state=seed),
    "decision_tree": lambda seed: DecisionTreeClassifier(
        max_depth=4, min_samples_leaf=2, class_weight="balanced", min_impurity_decrease=1e-9, random_state=seed
    ),
    "mlp": lambda seed: MLPClassifier(64, max_iter=80, random_state=seed),
}


@pytest.fixture(scope="module", params=[2, 4])
def data(request):
    features, labels = make_classification(
        120, 12, n_informative=6, n_classes=request.param, class_sep=1.2, flip_y=0.05, random_state=1
    )
    return features, np.array([f"class {label}" for label in labels])


def own(features, labels, name, *, standardise=False):
    contents = [str(number) for number in range(len(labels))]
    fold, _ = stratified_folds(labels, contents, 4, SEED)
    model = {"id": name, "name": name, "parameters": {"max_iter": 80} if name == "mlp" else {}}
    reduction = {"method": "pca", "components": 5, "standardise": standardise}
    return cross_validate(
        features, labels, np.zeros(len(labels)), fold, [model], reduction=reduction, normal="class 0", seed=SEED
    )


def fold_scores(found):
    return found.scores[["balanced_accuracy", "macro_f1", "roc_auc"]].to_numpy()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("standardise", [False, True])
def test_folds_equal_a_loop_written_by_hand(data, name, standardise):
    features, labels = data
    expected, predictions = [], np.empty(len(labels), dtype=object)
    for train, test in StratifiedKFold(4, shuffle=True, random_state=SEED).split(features, labels):
        steps = [StandardScaler()] if standardise else []
        steps += [PCA(5, svd_solver="covariance_eigh")]
        if not standardise or name == "decision_tree":
            steps += [StandardScaler()]
        pipeline = make_pipeline(*steps, CLASSIFIERS[name](derive_seed(SEED, f"model/{name}")))
        pipeline.fit(features[train], labels[train])
        said = predictions[test] = pipeline.predict(features[test])
        has_probability = hasattr(pipeline, "predict_proba")
        scores = (pipeline.predict_proba if has_probability else pipeline.decision_function)(features[test])
        if len(set(labels)) == 2:
            auc = roc_auc_score(labels[test] == pipeline.classes_[1], scores[:, 1] if scores.ndim == 2 else scores)
        elif has_probability:
            auc = roc_auc_score(labels[test], scores, multi_class="ovr", average="macro")
        else:
            areas = [roc_auc_score(labels[test] == name, scores[:, i]) for i, name in enumerate(pipeline.classes_)]
            auc = np.mean(areas)
        expected.append(
            [balanced_accuracy_score(labels[test], said), f1_score(labels[test], said, average="macro"), auc]
        )
    found = own(features, labels, name, standardise=standardise)
    np.testing.assert_allclose(fold_scores(found), expected, rtol=1e-12)
    assert (found.predictions[name] == predictions).all()


def test_isolation_forest_equals_a_loop_over_normal_images(data):
    features, labels = data
    expected = []
    for train, test in StratifiedKFold(4, shuffle=True, random_state=SEED).split(features, labels):
        forest = IsolationForest(random_state=derive_seed(SEED, "model/isolation_forest"))
        pipeline = make_pipeline(PCA(5, svd_solver="covariance_eigh"), StandardScaler(), forest)
        pipeline.fit(features[train][labels[train] == "class 0"])
        actual, said = labels[test] != "class 0", pipeline.predict(features[test]) == -1
        expected.append(
            [
                balanced_accuracy_score(actual, said),
                f1_score(actual, said, average="macro"),
                roc_auc_score(actual, -pipeline.score_samples(features[test])),
            ]
        )
    np.testing.assert_allclose(fold_scores(own(features, labels, "isolation_forest")), expected, rtol=1e-12)


def test_folds_with_copies_are_those_of_scikit_learn_s_groups(data):
    _, labels = data
    contents = np.array([str(number // 2) for number in range(len(labels))])
    fold, _ = stratified_folds(labels, contents, 3, SEED)
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=SEED)
    for number, (_, test) in enumerate(splitter.split(labels, labels, contents)):
        np.testing.assert_array_equal(np.flatnonzero(fold == number), test)


@pytest.mark.parametrize("method", ["pca", "random_projection", "none"])
@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("before", [{}, {"power": "sqrt"}, {"normalise": "l2"}, {"power": "sqrt", "normalise": "l2"}])
@pytest.mark.parametrize("shape", [(40, 9), (9, 40)])
def test_reduction_is_the_node_s_own(method, standardise, before, shape):
    features = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    components = 4
    node = reduce_features(features, method, components, standardise=standardise, seed=SEED, **before).values
    reduction = {"method": method, "components": components, "standardise": standardise, **before}
    steps = fit_reduction(features, reduction, SEED, scale=False)
    np.testing.assert_allclose(steps.transform(features), node, rtol=1e-12, atol=1e-12)
    scaled = fit_reduction(features, reduction, SEED).transform(features)
    np.testing.assert_allclose(scaled, StandardScaler().fit_transform(node), rtol=1e-9, atol=1e-12)
    if method == "pca":
        # scikit-learn whitens by the deviation of n - 1, and scales by that of n.
        white = reduce_features(
            features, method, components, standardise=standardise, whiten=True, seed=SEED, **before
        ).values
        again = fit_reduction(features, reduction | {"whiten": True}, SEED, scale=False).transform(features)
        np.testing.assert_allclose(again, white * np.sqrt(shape[0] / (shape[0] - 1)), rtol=1e-9, atol=1e-9)
    if method == "random_projection" and not standardise and not before:
        expected = GaussianRandomProjection(components, random_state=SEED).fit_transform(features)
        np.testing.assert_array_equal(steps.transform(features), expected)
