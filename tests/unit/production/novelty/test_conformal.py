import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, kstest

from nearlabel.production.novelty.conformal import (
    least_images,
    lowest_rate,
    normal_percentiles,
    p_values,
    realised_range,
    require_rate,
    smoothed_p_values,
)
from nearlabel.production.novelty.distances import NearestReference

scores = st.lists(st.integers(0, 9), max_size=20)


@given(scores, st.lists(st.integers(-1, 10), min_size=1, max_size=5))
def test_as_counted(held_out, asked):
    held_out = np.sort(np.array(held_out, float))
    m = len(held_out)
    u = np.full(len(asked), 0.25)
    for s, p, smooth, percentile in zip(
        asked,
        p_values(np.array(asked), held_out),
        smoothed_p_values(np.array(asked), held_out, u),
        normal_percentiles(np.array(asked), held_out),
        strict=True,
    ):
        assert p == (1 + sum(other >= s for other in held_out)) / (m + 1)
        assert smooth == (sum(held_out > s) + 0.25 * (sum(held_out == s) + 1)) / (m + 1)
        assert percentile == (100 * sum(held_out < s) / m if m else 0)


@given(scores, st.lists(st.integers(-1, 10), min_size=1, max_size=5), st.randoms())
def test_an_image_counts_as_often_as_it_stands_for(held_out, asked, random):
    held_out, asked = np.sort(np.array(held_out, float)), np.array(asked)
    times = np.array([random.randint(1, 4) for _ in held_out], dtype=int)
    weighted = p_values(asked, held_out, times.astype(float))
    np.testing.assert_array_equal(weighted, p_values(asked, np.repeat(held_out, times)))
    # What a new image stands for makes all of them larger.
    assert (p_values(asked, held_out, times.astype(float), 3.0) >= weighted).all()


@pytest.mark.parametrize(("rate", "least"), [(0.05, 19), (0.01, 99), (0.001, 999), (0.1, 9), (0.03, 33), (0.5, 1)])
def test_least_images_as_the_rate_is_written(rate, least):
    assert least_images(rate) == least
    require_rate(rate, least)
    # With the fewest, the strangest image of all is flagged, and it alone.
    held_out = np.arange(least, dtype=float)
    assert p_values(np.array([least + 1.0]), held_out) <= rate < p_values(np.array([least - 1.0]), held_out)
    assert least == 1 or p_values(np.array([1e9]), held_out[1:]) > rate
    with pytest.raises(ValueError, match=f"needs {least} held-out good images, and there are {least - 1}"):
        require_rate(rate, least - 1)


def test_a_rate_that_is_refused_comes_with_the_lowest_that_holds():
    with pytest.raises(ValueError, match=r"999 held-out good images, and there are 200; .* is 0\.005"):
        require_rate(0.001, 200)
    assert lowest_rate(200) == 1 / 201
    require_rate(0.005, 200)
    with pytest.raises(ValueError, match="without any"):
        require_rate(0.05, 0)
    for wrong in (0, 1, -0.1, 5):
        with pytest.raises(ValueError, match="between 0 and 1"):
            require_rate(wrong, 1000)


@pytest.mark.parametrize(("rate", "m", "flagged"), [(0.05, 19, 1), (0.05, 199, 10), (0.01, 199, 2), (0.29, 99, 29)])
def test_realised_range_is_that_of_a_beta_distribution(rate, m, flagged):
    known = beta(flagged, m + 1 - flagged).ppf([0.05, 0.95])
    assert realised_range(rate, m) == pytest.approx(known, rel=1e-9)


def test_nothing_is_flagged_where_the_rate_is_out_of_reach():
    assert realised_range(0.01, 50) == (0, 0)


def test_smoothed_p_values_of_good_images_are_uniform_in_spite_of_ties():
    rng = np.random.default_rng(0)
    p = [
        smoothed_p_values(drawn[:1], np.sort(drawn[1:]), rng.random(1))[0]
        for drawn in rng.integers(0, 5, size=(3000, 30)).astype(float)
    ]
    assert kstest(p, "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.05, 0.01])
def test_streams_of_good_images_raise_as_many_false_alarms_as_promised(rate):
    inside, wide, realised, m = 0, 0, [], 400
    for stream in range(20):
        rng = np.random.default_rng(1000 + stream)
        # Good images of three looks, unlike each other in spread.
        draw = lambda n, rng=rng: rng.normal(size=(n, 12)) * rng.choice([0.3, 1, 2], size=(n, 1)) + 3  # noqa: E731
        reference = NearestReference(draw(500))
        novelty = lambda query, reference=reference: reference.find(query, 5)[0].mean(axis=1)  # noqa: E731
        p = p_values(novelty(draw(10_000)), np.sort(novelty(draw(m))))
        realised.append((p <= rate).mean())
        low, high = realised_range(rate, m)
        inside += low <= realised[-1] <= high
        low, high = realised_range(rate, m, 0.99)
        wide += low <= realised[-1] <= high
    print(f"{rate:.0%}: {inside} of 20 within the 90 % range, {wide} within 99 %, mean {np.mean(realised):.4f}")
    # Of the 90 % range 18 are expected, so that fewer than 14 have a chance of 1 %.
    assert inside >= 14 and wide >= 18
    assert np.mean(realised) == pytest.approx(rate, rel=0.3)
