import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

from nearlabel.grouping.scores.distance_sums import index_clusters, sums_on_cpu, sums_on_torch
from nearlabel.grouping.scores.silhouettes import silhouette_scores


@pytest.mark.parametrize(("n", "dimensions"), [(3, 1), (40, 2), (1300, 50), (300, 1000)])
def test_silhouettes_are_scikit_learns(n, dimensions):
    rng = np.random.default_rng(n)
    points, blobs = make_blobs(n, dimensions, centers=min(6, n - 1), random_state=n)
    labelings = [blobs, blobs + 10, *(rng.integers(0, k, n) for k in range(2, min(n - 1, 50), 3))]
    labelings = [labels for labels in labelings if 2 <= len(np.unique(labels)) <= n - 1]
    expected = [silhouette_score(points, labels) for labels in labelings]
    np.testing.assert_allclose(silhouette_scores(points, labelings), expected, rtol=0, atol=1e-10)


def test_single_precision_features():
    points, labels = make_blobs(500, 20, centers=4, random_state=0)
    points = points.astype(np.float32)
    expected = silhouette_score(points.astype(np.float64), labels)
    np.testing.assert_allclose(silhouette_scores(points, [labels]), [expected], rtol=0, atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(arrays(float, (12, 2), elements=st.integers(-3, 3)), st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_repeated_points_and_any_labels(points, labels):
    found = silhouette_scores(points, [labels])[0]
    if 2 <= len(set(labels)) <= 11:
        assert found == pytest.approx(silhouette_score(points, labels), abs=1e-6)
    else:
        assert np.isnan(found)


@pytest.mark.parametrize("labels", [[0] * 12, list(range(12))])
def test_undefined_where_scikit_learn_refuses(labels):
    points = np.random.default_rng(0).normal(size=(12, 2))
    with pytest.raises(ValueError, match="Number of labels"):
        silhouette_score(points, labels)
    assert np.isnan(silhouette_scores(points, [labels])[0])


def test_torch_sums_as_the_cpu_does():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(300, 8))
    points[7] = points[3]
    _, members = index_clusters([rng.integers(0, k, 300) for k in (2, 5, 9)], 300)
    np.testing.assert_allclose(
        sums_on_torch(points, members, "cpu")(100, 180), sums_on_cpu(points, members)(100, 180), rtol=1e-12
    )


def test_cuda_gives_the_same_silhouettes():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    rng = np.random.default_rng(0)
    points = rng.normal(size=(2000, 8))
    labelings = [rng.integers(0, k, 2000) for k in (2, 5, 9)]
    np.testing.assert_allclose(
        silhouette_scores(points, labelings, device="cuda"),
        silhouette_scores(points, labelings, device="cpu"),
        rtol=0,
        atol=1e-10,
    )
