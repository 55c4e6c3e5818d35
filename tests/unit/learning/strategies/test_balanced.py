import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.learning.network.outputs import Evaluated
from nearlabel.learning.strategies import build_strategy
from nearlabel.learning.strategies.balanced import Balanced, spread
from nearlabel.learning.strategies.bald import Bald
from nearlabel.learning.strategies.core_set import CoreSet
from nearlabel.learning.strategies.gradcam_avg import GradCamAverage
from nearlabel.learning.strategies.uncertainty import MostLikelyDefect, Uncertainty
from nearlabel.learning.strategies.views import View


def rng_of(seed):
    return np.random.default_rng(seed)


def view_of(gaps, labels, **pool):
    """Two classes; a positive gap predicts class 1."""
    logits = np.stack([np.zeros(len(gaps)), np.asarray(gaps, float)], axis=1)
    return View(Evaluated(len(gaps), logits, **pool), Evaluated(len(labels)), np.asarray(labels))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), min_size=2, max_size=5), st.integers(0, 60))
def test_shares_are_inverse_to_the_labels_given(counts, n):
    labelled, there = np.array(counts).T
    n = min(n, there.sum())
    given_to = spread(n, labelled, there, rng_of(0))
    assert given_to.sum() == n
    assert (given_to <= there).all()
    # D'Hondt: where images are left, no class has a larger claim on one more than another had on its last.
    for a in np.flatnonzero(given_to < there):
        for b in np.flatnonzero(given_to > 0):
            assert (given_to[a] + 1) * (labelled[a] + 1) >= given_to[b] * (labelled[b] + 1)


def test_shares_by_hand():
    plenty = np.array([1000, 1000])
    assert spread(32, np.array([63, 0]), plenty, rng_of(0)).tolist() == [0, 32]
    assert spread(40, np.array([29, 9]), plenty, rng_of(0)).tolist() == [10, 30]
    assert spread(40, np.array([29, 9]), np.array([1000, 4]), rng_of(0)).tolist() == [36, 4]
    assert spread(6, np.array([5, 5]), plenty, rng_of(0)).tolist() == [3, 3]
    assert {tuple(spread(1, np.array([5, 5]), plenty, rng_of(s)).tolist()) for s in range(20)} == {(0, 1), (1, 0)}


def test_the_strategy_chooses_within_each_predicted_class():
    gaps = np.array([-0.1, -0.2, -0.3, -0.4, -0.5, 3, 4, 5, 6, 7])
    view = view_of(gaps, [0] * 29 + [1] * 9)
    assert set(Uncertainty().select(view, 4, rng_of(0)).indices.tolist()) == {0, 1, 2, 3}
    selection = Balanced(Uncertainty()).select(view, 4, rng_of(0))
    assert selection.indices.tolist() == [0, 5, 6, 7]
    doubt = 1 / (1 + np.exp(abs(gaps)))
    assert selection.scores == pytest.approx(doubt[selection.indices])
    assert selection.info == {"class 0": {"selected": 1}, "class 1": {"selected": 3}}


def test_what_a_class_lacks_goes_to_the_others():
    view = view_of([-1, -2, -3, -4, 9], [0] * 50)
    selection = Balanced(MostLikelyDefect()).select(view, 4, rng_of(0))
    assert selection.indices.tolist() == [0, 1, 2, 4]
    none = view_of([-1, -2, -3, -4], [0] * 50)
    assert Balanced(MostLikelyDefect()).select(none, 3, rng_of(0)).indices.tolist() == [0, 1, 2]


def test_the_wrapped_strategy_keeps_its_needs_its_settings_and_its_info():
    assert Balanced(CoreSet()).needs == {"features", "probabilities"}
    assert build_strategy("balanced", {"strategy": "gradcam_avg"}).needs == {"maps", "probabilities"}
    assert Balanced(Bald(passes=7)).monte_carlo == {"passes": 7, "dropout": 0.5}
    assert Balanced(Uncertainty()).monte_carlo is None
    maps = rng_of(0).random((6, 7, 7))
    maps[[0, 5]] = 0
    view = View(
        Evaluated(6, np.array([[0.0, g] for g in (-1, -1, -1, 1, 1, 1)]), None, maps),
        Evaluated(1, None, None, maps[1:2]),
        np.array([0]),
    )
    info = Balanced(GradCamAverage()).select(view, 6, rng_of(0)).info
    assert [info[f"class {c}"]["degenerate_selected"] for c in (0, 1)] == [1, 1]
