"""How images fit their clusters: known answers, and what a sample says of silhouettes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_samples

from nearlabel.grouping.maps.measures import MEASURE_COLUMNS, find_prototypes, image_silhouettes, measure_images


def blobs(n, clusters, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, clusters, n)
    return rng.normal(size=(clusters, 4))[labels] * 3 + rng.normal(size=(n, 4)), labels


def test_known_answers():
    ids = ["b", "a", "c", "d", "e"]
    features = np.array([[0.0], [2.0], [10.0], [12.0], [7.0]])
    clusters = pd.DataFrame({"image_id": ["a", "b", "c", "d", "e"], "cluster": [0, 0, 1, 1, 1]})
    found = measure_images(np.array(ids), features, clusters, seed=0)
    assert list(found.columns) == MEASURE_COLUMNS and list(found["image_id"]) == ids
    assert list(found["cluster"]) == [0, 0, 1, 1, 1]
    # a and b are equally far from their centre: a is the prototype, at 2; c is that of the others, at 10.
    np.testing.assert_allclose(found["distance"], [1, 1, 1 / 3, 7 / 3, 8 / 3])
    assert list(found["nearest_prototype"]) == [0, 0, 1, 1, 1]
    np.testing.assert_allclose(found["silhouette"], silhouette_samples(features, found["cluster"]))
    np.testing.assert_allclose(found["silhouette"].iloc[0], 1 - 2 / (29 / 3))


def test_equally_near_prototypes_are_ones_own():
    features = np.array([[0.0], [0.0], [4.0], [4.0], [2.0], [2.0]])
    clusters = pd.DataFrame({"image_id": list("abcdef"), "cluster": [0, 0, 1, 1, 1, 0]})
    found = measure_images(np.array(list("abcdef")), features, clusters, seed=0)
    # Centres at 2/3 and 10/3, prototypes a at 0 and c at 4; e and f lie between them.
    assert list(found["nearest_prototype"]) == [0, 0, 1, 1, 1, 0]


def test_a_cluster_far_from_its_prototype():
    features = np.array([[0.0], [1.0], [2.0], [9.0], [10.0], [11.0], [8.0]])
    clusters = pd.DataFrame({"image_id": list("abcdefg"), "cluster": [0, 0, 0, 1, 1, 1, 0]})
    assert list(measure_images(np.array(list("abcdefg")), features, clusters, seed=0)["nearest_prototype"])[-1] == 1


@pytest.mark.parametrize(("n", "clusters"), [(50, 2), (400, 7), (60, 40)])
def test_silhouettes_are_scikit_learns(n, clusters):
    features, labels = blobs(n, clusters)
    np.testing.assert_allclose(image_silhouettes(features, labels, seed=0), silhouette_samples(features, labels))


def test_gaps_in_the_numbers_and_single_images():
    features, labels = blobs(40, 3)
    labels = np.where(labels == 2, 7, labels)
    labels[0] = 5
    found = image_silhouettes(features, labels, seed=0)
    np.testing.assert_allclose(found, silhouette_samples(features, labels))
    assert found[0] == 0


@pytest.mark.parametrize("labels", [np.zeros(6, int), np.arange(6)])
def test_undefined(labels):
    assert np.isnan(image_silhouettes(np.random.default_rng(0).normal(size=(6, 2)), labels, seed=0)).all()


def test_all_the_same():
    assert (image_silhouettes(np.ones((6, 2)), np.array([0, 0, 0, 1, 1, 1]), seed=0) == 0).all()


def test_a_sample_is_near_and_repeats(caplog):
    features, labels = blobs(3000, 5)
    labels[:30] = 5
    exact = image_silhouettes(features, labels, seed=0)
    with caplog.at_level("INFO"):
        found = image_silhouettes(features, labels, seed=0, exact_up_to=1000, sample=600)
    assert "silhouettes of 3000 images, each against 6" in caplog.text
    assert np.abs(found - exact).max() < 0.1 and abs(np.mean(found - exact)) < 0.01
    np.testing.assert_array_equal(found, image_silhouettes(features, labels, seed=0, exact_up_to=1000, sample=600))
    # A sample of all is exact: each image leaves itself out.
    np.testing.assert_allclose(image_silhouettes(features, labels, seed=0, exact_up_to=0, sample=3000), exact)


def test_prototypes_go_by_name_where_equally_near():
    assert find_prototypes(["b", "a", "c"], np.array([3, 3, 1]), np.array([1.0, 1.0, 2.0])) == {1: 2, 3: 1}


def test_an_image_without_cluster_is_named():
    clusters = pd.DataFrame({"image_id": ["a"], "cluster": [0]})
    with pytest.raises(ValueError, match=r"lacks 1 images, the first 'b'"):
        measure_images(np.array(["a", "b"]), np.zeros((2, 1)), clusters, seed=0)
