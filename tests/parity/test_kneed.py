import numpy as np
import pytest
from kneed import DataGenerator, KneeLocator

from nearlabel.learning.stopping.knee import knee_point


def kneed(x, y, **options):
    return KneeLocator(x, y, curve="convex", direction="decreasing", **options).knee


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
