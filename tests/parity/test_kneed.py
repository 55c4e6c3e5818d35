import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kneed import DataGenerator, KneeLocator

from nearlabel.learning.stopping.knee import knee_point


def kneed(x, y, **options):
    return KneeLocator(x, y, curve="convex", direction="decreasing", **options).knee


def later_knees(x, y, online, sensitivity, interpolation, degree):
    """What kneed finds on its way but for the first point, which it may take for a knee."""
    found = KneeLocator(
        x,
        y,
        S=sensitivity,
        curve="convex",
        direction="decreasing",
        interp_method=interpolation,
        polynomial_degree=degree,
        online=True,
    ).all_knees
    later = [knee for knee in found if knee != x[0]]
    return later[-1 if online else 0] if later else None


def bends(x, y):
    """Whether a curve is none of those that `knee_point` never looks at: constant, or straight up to rounding."""
    chord = y[0] + (y[-1] - y[0]) * ((x - x[0]) / (x[-1] - x[0]))
    return np.abs(y - chord).max() > 1e-9 * np.ptp(y)


def test_kneeds_own_cases():
    assert knee_point(*DataGenerator.convex_decreasing()) == 2
    bumpy = DataGenerator.bumpy()
    assert knee_point(*bumpy) == 26
    assert knee_point(*bumpy, online=True) == 53
    assert knee_point(*bumpy, interpolation="polynomial") == 28
    # The paper's figures are rising curves; turned upside down they fall.
    x, y = DataGenerator.figure2()
    assert knee_point(x, -y) == pytest.approx(0.222, abs=5e-4)
    x, y = DataGenerator.noisy_gaussian(50, 10, 1000, 42)
    assert knee_point(x, -y, interpolation="polynomial", degree=11, online=True) == pytest.approx(63.45, abs=5e-3)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {}),
        ({"sensitivity": 5.0}, {"S": 5.0}),
        ({"online": True, "sensitivity": 0.5}, {"online": True, "S": 0.5}),
        ({"interpolation": "polynomial", "degree": 5}, {"interp_method": "polynomial", "polynomial_degree": 5}),
    ],
)
def test_simulated_runs(ours, theirs):
    knees = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        # 240 defects among 2,400 images; the ranking finds them early, or by chance.
        ranking = rng.normal(size=2400) + (np.arange(2400) < 240) * (seed % 4)
        found = np.cumsum(np.argsort(-ranking) < 240)[31::32]
        labelled = 32 * np.arange(1, 76)
        knees.append(knee_point(labelled, 240 - found, **ours))
        expected = kneed(labelled, 240 - found, **theirs)
        assert knees[-1] == expected or expected == labelled[0]
    assert len(set(knees) - {None}) > 5


OPTIONS = st.fixed_dictionaries(
    {
        "sensitivity": st.sampled_from([0.0, 0.3, 1.0, 2.5, 10.0]),
        "online": st.booleans(),
        "interpolation": st.sampled_from(["interp1d", "polynomial"]),
        "degree": st.sampled_from([1, 2, 3, 7]),
    }
)
# Small numbers make plateaus and ties; curves that rise in between, too.
HEIGHTS = st.one_of(st.integers(-3, 8), st.floats(-10, 10, allow_subnormal=False))
STEPS = st.one_of(st.integers(1, 3), st.floats(0.01, 9))


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(STEPS, HEIGHTS), min_size=8, max_size=40), st.booleans(), OPTIONS)
def test_any_curve(points, falling, options):
    steps, left = map(np.array, zip(*points, strict=True))
    labelled, left = np.cumsum(steps), np.sort(left)[::-1] if falling else left
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.RankWarning)
        found = knee_point(labelled, left, **options)
        if bends(labelled, left):
            assert found == later_knees(labelled, left, **options)
        else:
            assert found is None


@pytest.mark.parametrize("interpolation", ["interp1d", "polynomial"])
@pytest.mark.parametrize("online", [False, True])
def test_many_random_curves(online, interpolation):
    rng = np.random.default_rng(7)
    knees = set()
    for _ in range(250):
        drops = rng.integers(0, rng.choice([2, 4, 30]), size=rng.integers(8, 90)) * rng.choice([1, 0.37])
        drops[rng.random(len(drops)) < 0.3] = 0
        labelled = np.cumsum(rng.integers(1, 40, size=len(drops)))
        left = 5 + drops.sum() - np.cumsum(drops)
        if not bends(labelled, left):
            continue
        options = dict(
            online=online,
            sensitivity=rng.choice([0, 0.5, 1, 4]),
            interpolation=interpolation,
            degree=rng.integers(1, 8),
        )
        knees.add(knee_point(labelled, left, **options))
        assert knee_point(labelled, left, **options) == later_knees(labelled, left, **options)
    assert len(knees) > 50
