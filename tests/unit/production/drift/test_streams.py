"""Alarms on whole streams; `tests/benchmarks/drift_streams.py` has more of them, of real images."""

import numpy as np
import pytest

from nearlabel.production.drift.martingale import ShiftMartingale
from nearlabel.production.drift.monitor import DriftMonitor

NAMES = ("novelty", "brightness", "contrast")


def first_alarm(seed, before, after, shift, held_out=280, alpha=0.05):
    """Place of the first alarm, or None; of a monitor whose baseline is drawn anew as well."""
    rng = np.random.default_rng(seed)
    known, rows = rng.gamma(9, 1, (held_out, 3)), rng.gamma(9, 1, (before + after, 3))
    rows[before:] += 3 * shift
    monitor = DriftMonitor(dict(zip(NAMES, known.T, strict=True)), alpha=alpha)
    for place, row in enumerate(rows.tolist()):
        name = f"{seed}/{place}"
        if monitor.add(dict(zip(NAMES, row, strict=True)), part=name, sha256=name, label_id=place):
            return place
    return None


def assert_rarely(alarms, alpha):
    assert np.mean(alarms) <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / len(alarms))


def test_few_streams_without_a_change_ever_give_an_alarm():
    assert_rarely([first_alarm(seed, 200, 0, 0, held_out=20, alpha=0.2) is not None for seed in range(30)], 0.2)


def test_against_held_out_images_alone_most_streams_would_give_one():
    alarms = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        known, martingale = np.sort(rng.gamma(9, 1, 20)), ShiftMartingale()
        larger = 20 - known.searchsorted(rng.gamma(9, 1, 1000))
        alarms.append(any(martingale.bet((n + rng.uniform()) / 21, 0.0, 0) >= 20 for n in larger))
    assert np.mean(alarms) > 0.5


@pytest.mark.parametrize("shift", [-1.0, 1.0])
def test_a_change_by_a_standard_deviation_is_found_in_some_tens_of_images(shift):
    places = [first_alarm(100 + seed, 300, 100, shift) for seed in range(10)]
    assert all(place is not None and 300 < place < 360 for place in places)


@pytest.mark.slow
def test_two_hundred_streams_of_five_thousand():
    assert_rarely([first_alarm(seed, 5000, 0, 0) is not None for seed in range(200)], 0.05)


@pytest.mark.slow
def test_a_change_by_a_third_of_a_standard_deviation_is_found_within_three_hundred():
    found = [first_alarm(seed, 1000, 300, 1 / 3) for seed in range(100)]
    later = [place for place in found if place is None or place >= 1000]
    assert np.mean([place is not None for place in later]) >= 0.9
