import numpy as np
import pytest

from nearlabel.grouping.models.pipelines import fit_model, fit_reduction, predict
from nearlabel.production.labeller.labels import ModelLabels
from nearlabel.production.labeller.steps import compile_steps, transform_rows

REDUCTIONS = [
    {"method": "pca", "components": 6, "standardise": True},
    {"method": "pca", "components": 0.9, "standardise": False, "power": "sqrt", "normalise": "l2", "whiten": True},
    {"method": "random_projection", "components": 5, "standardise": False},
    {"method": "none", "components": 5, "standardise": True},
]
MODELS = [
    {"id": "svm", "name": "svm", "parameters": {}},
    {"id": "linear", "name": "svm", "parameters": {"kernel": "linear", "C": 0.3}},
    {"id": "tree", "name": "decision_tree", "parameters": {}},
    {"id": "mlp", "name": "mlp", "parameters": {"hidden_layer_sizes": 7}},
]


def draw(classes, seed=0, n=90, d=12):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % classes
    features = rng.normal(size=(n, d)) + 0.8 * rng.normal(size=(classes, d))[label]
    features[:, 3] = 1.5  # One that does not vary.
    return features, np.array([f"kind {number}" for number in label])


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("scale", [True, False])
def test_steps_as_scikit_learn_takes_them(reduction, scale):
    features, _ = draw(3)
    pipeline = fit_reduction(features, reduction, 0, scale=scale)
    asked = np.vstack([draw(3, seed=1)[0], np.zeros((1, features.shape[1]))])
    found = transform_rows(compile_steps(pipeline), asked)
    np.testing.assert_allclose(found, pipeline.transform(asked), rtol=1e-9, atol=1e-9)


def test_images_that_differ_in_nothing():
    pipeline = fit_reduction(np.ones((5, 3)), REDUCTIONS[0], 0)
    asked = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(transform_rows(compile_steps(pipeline), asked), pipeline.transform(asked))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["id"])
def test_models_as_scikit_learn_asks_them_and_each_image_as_if_alone(model, classes):
    features, label = draw(classes)
    reduction = fit_reduction(features, REDUCTIONS[0], 0)
    pipeline, _ = fit_model(reduction, features, label, model, 0)
    giver = ModelLabels({"pipeline": pipeline})
    asked = np.float32(draw(classes, seed=2)[0])
    given, scores = giver.scores([], asked)
    known, theirs = predict(pipeline, "classifier", asked, "")
    np.testing.assert_allclose(scores, theirs, rtol=1e-9, atol=1e-9)
    said = np.array([giver.labels[column] for column in given])
    # One vote for each in a circle: scikit-learn takes the first, here confidence tells.
    votes = np.sort(np.round(scores), axis=1)
    tied = (model["name"] == "svm") & (classes > 2) & (votes[:, -1] == votes[:, -2])
    assert (said == known)[~tied].all()
    for row in range(len(asked)):
        alone = giver.scores([], asked[row : row + 1])
        assert alone[1].tobytes() == scores[row].tobytes() and alone[0][0] == given[row]
