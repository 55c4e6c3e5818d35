import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.learning.stopping.knee import knee_point

LABELLED = 32 * np.arange(1, 84)


def defects_left(total, rate):
    """Expected defects left when the share found falls off exponentially."""
    return total * np.exp(-rate * LABELLED)


def test_a_bend_is_found_where_it_is():
    left = np.where(LABELLED <= 640, 200 - 190 * LABELLED / 640, 10 - (LABELLED - 640) / 400)
    assert knee_point(LABELLED, left) == 640
    assert knee_point(LABELLED, left, sensitivity=5) == 640
    found = knee_point(LABELLED.tolist(), left.tolist())
    assert isinstance(found, int)
    assert isinstance(knee_point(LABELLED / 2, left), float)


def test_the_knee_is_farthest_from_the_chord():
    left = defects_left(197, 1 / 500)
    x, y = (LABELLED - 32) / np.ptp(LABELLED), (left - left.min()) / np.ptp(left)
    assert knee_point(LABELLED, left) == LABELLED[np.argmax(1 - y - x)] == 864


@pytest.mark.parametrize("options", [{}, {"online": True}, {"sensitivity": 0.5}, {"interpolation": "polynomial"}])
def test_defects_found_slowly_at_first_make_no_knee_of_the_first_batch(options):
    left = [60, 60, 59, 57, 50, 38, 22, 10, 4, 2, 1, 0]
    assert knee_point(range(32, 385, 32), left, **options) in (256, 288)


@pytest.mark.parametrize("left", [[9, 9, 8, 6, 3, 0], [50, 49, 49, 48, 48, 0], [5, 5, 5, 0]])
def test_a_curve_that_only_bends_downwards_has_no_knee(left):
    assert knee_point(range(len(left)), left) is None


def test_defects_found_and_left_have_one_knee():
    # Kneedle normalises: the total number of defects need not be known.
    left = np.array([90, 60, 41, 30, 22, 17, 13, 10, 8, 7, 6, 6, 5])
    x = np.arange(13) * 32
    assert knee_point(x, left) == knee_point(x, left + 1000) == knee_point(x, 5 * left) == 128


@pytest.mark.parametrize("options", [{}, {"online": True}, {"sensitivity": 0}, {"interpolation": "polynomial"}])
@pytest.mark.parametrize("left", [300 - LABELLED / 10, 300 - LABELLED / 7, np.full(83, 9), np.zeros(83), LABELLED * 3])
def test_straight_curves_have_no_knee(left, options):
    assert knee_point(LABELLED, left, **options) is None


@pytest.mark.parametrize("left", [[], [5], [5, 0]])
def test_too_few_points_have_no_knee(left):
    assert knee_point(np.arange(len(left)), left) is None
    assert knee_point([0, 1, 2], [5, 1, 0]) is None
    assert knee_point(np.arange(8), [9, 5, 3, 2, 2, 1, 1, 0], interpolation="polynomial", degree=7) is not None
    assert knee_point(np.arange(8), [9, 5, 3, 2, 2, 1, 1, 0], interpolation="polynomial", degree=8) is None


def test_a_larger_sensitivity_asks_for_a_clearer_knee():
    left = defects_left(197, 1 / 5000)
    assert knee_point(LABELLED, left, sensitivity=1) is not None
    assert knee_point(LABELLED, left, sensitivity=20) is None


CURVES = st.lists(st.integers(0, 12), min_size=3, max_size=60).map(lambda drops: sum(drops) - np.cumsum(drops))
OPTIONS = st.fixed_dictionaries({"sensitivity": st.sampled_from([0.5, 1.0, 3.0]), "online": st.booleans()})


@settings(deadline=None)
@given(CURVES, OPTIONS)
def test_a_knee_is_one_of_the_points(left, options):
    labelled = 32 + 32 * np.arange(len(left))
    found = knee_point(labelled, left, **options)
    assert found is None or found in labelled[1:-1]


@settings(deadline=None)
@given(CURVES, OPTIONS, st.integers(1, 1000), st.integers(0, 10_000), st.integers(1, 1000), st.integers(0, 10_000))
def test_units_and_origins_do_not_matter(left, options, x_scale, x_shift, y_scale, y_shift):
    labelled = np.arange(len(left))
    found = knee_point(labelled, left, **options)
    moved = knee_point(x_shift + x_scale * labelled, y_shift + y_scale * left, **options)
    assert moved == (None if found is None else x_shift + x_scale * found)


def test_wrong_input_is_named():
    good = np.arange(5), [9, 4, 2, 1, 0]
    for labelled, left, text in [
        (np.arange(4), good[1], r"shapes \(4,\) and \(5,\)"),
        ([[1, 2]], [[2, 1]], "one count of each"),
        (good[0], [9, 4, np.nan, 1, 0], "not finite"),
        ([0, 1, 1, 2, 3], good[1], "labelled does not rise"),
        ([0, 2, 1, 3, 4], good[1], "labelled does not rise"),
    ]:
        with pytest.raises(ValueError, match=text):
            knee_point(labelled, left)
    for options, text in [
        ({"sensitivity": -1}, "sensitivity is -1"),
        ({"sensitivity": np.nan}, "sensitivity is nan"),
        ({"interpolation": "spline"}, "'spline' is unknown; choose one of interp1d, polynomial"),
        ({"degree": 0}, "degree is 0"),
    ]:
        with pytest.raises(ValueError, match=text):
            knee_point(*good, **options)
