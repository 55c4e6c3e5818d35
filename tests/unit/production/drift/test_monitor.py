import json

import numpy as np
import pytest

from nearlabel.production.drift.monitor import DriftMonitor

NAMES = ("novelty", "brightness", "contrast")


def stream(n, shift=0.0, seed=0):
    """Values of n images; brightness moved by some standard deviations."""
    rng = np.random.default_rng(seed)
    values = rng.normal([1.0, 0.5 + 0.05 * shift, 0.2], [0.1, 0.05, 0.02], (n, 3))
    return [dict(zip(NAMES, row.tolist(), strict=True)) for row in values]


def baseline(m=200, seed=9):
    return {name: [row[name] for row in stream(m, seed=seed)] for name in NAMES}


def feed(monitor, rows, first=1, tag=""):
    found = []
    for label_id, values in enumerate(rows, first):
        alarm = monitor.add(values, part=f"{tag}{label_id}", sha256=f"{tag}{label_id:064x}", label_id=label_id)
        if alarm:
            found.append(alarm)
    return found


def test_darker_images_are_found_and_said():
    monitor = DriftMonitor(baseline())
    assert not feed(monitor, stream(500, seed=1))
    (alarm, *more) = feed(monitor, stream(100, shift=-2.0, seed=2), 501)
    assert not more
    facts = alarm.detail["statistics"]["brightness"]
    assert facts["direction"] == "down"
    assert 470 <= alarm.first_label <= 505 < alarm.last_label < 560
    assert facts["mean"] == pytest.approx(0.4, abs=0.04)
    assert facts["before"] == pytest.approx(0.5, abs=0.01)
    assert alarm.sentence.startswith("The images have become darker (mean brightness 0.")
    assert alarm.detail["capital"] >= 1 / monitor.alpha
    json.dumps(alarm.detail)


def test_a_change_that_stays_is_said_once_and_the_way_back_once():
    monitor = DriftMonitor(baseline())
    feed(monitor, stream(300, seed=1))
    assert len(feed(monitor, stream(1500, shift=-2.0, seed=2), 301)) == 1
    back = feed(monitor, stream(300, seed=3), 2000)
    assert [list(one.detail["statistics"]) for one in back] == [["brightness"]]
    assert back[0].detail["statistics"]["brightness"]["direction"] == "up"
    assert monitor.describe()["alarms"] == 2


def test_a_part_and_a_content_count_once():
    monitor = DriftMonitor(baseline())
    (values,) = stream(1)
    for label_id, (part, sha256) in enumerate([("a", "1"), ("a", "2"), ("b", "1"), ("", "3"), ("", "4"), ("", "4")]):
        monitor.add(values, part=part, sha256=sha256, label_id=label_id)
    assert monitor.describe()["images"] == 3


def test_repeated_views_of_one_odd_part_give_no_alarm():
    monitor = DriftMonitor(baseline())
    feed(monitor, stream(50, seed=4))
    odd = {"novelty": 5.0, "brightness": 0.9, "contrast": 0.5}
    for view in range(200):
        assert monitor.add(odd, part="one", sha256=f"view{view}", label_id=view) is None


@pytest.mark.parametrize("cut", [0, 1, 250, 480, 560, 599])
def test_a_restored_monitor_goes_on_to_the_last_bit(cut):
    rows = stream(400, seed=5) + stream(200, shift=3.0, seed=6)
    whole, first = DriftMonitor(baseline()), DriftMonitor(baseline())
    expected = feed(whole, rows)
    found = feed(first, rows[:cut])
    second = DriftMonitor.restore(first.state())
    found += feed(second, rows[cut:], cut + 1)
    assert found == expected
    assert len(found) >= 1
    assert second.state() == whole.state()
    assert second.describe() == whole.describe()


def test_the_state_does_not_grow_with_the_stream():
    monitor = DriftMonitor({name: np.random.default_rng(0).gamma(20, 0.02, 100_000) for name in NAMES})
    feed(monitor, stream(600))
    assert len(monitor.state()) < 40_000


def test_what_cannot_be_used_is_refused():
    monitor = DriftMonitor(baseline())
    with pytest.raises(ValueError, match=r"brightness of image ab is nan; drift needs a finite number"):
        monitor.add({"novelty": 1.0, "brightness": float("nan"), "contrast": 0.1}, part="", sha256="ab", label_id=1)
    assert monitor.describe()["images"] == 0
    with pytest.raises(ValueError, match="contrast of image ab is None"):
        monitor.add({"novelty": 1.0, "brightness": 0.5}, part="", sha256="ab", label_id=1)
    with pytest.raises(ValueError, match="alpha of drift is 0"):
        DriftMonitor(baseline(), alpha=0)
    with pytest.raises(ValueError, match="no statistic to watch"):
        DriftMonitor({})
    with pytest.raises(ValueError, match="brightness of the held-out images is not finite"):
        DriftMonitor({"brightness": [0.5, np.inf]})


@pytest.mark.parametrize("state", [b"", b"nonsense", __import__("zlib").compress(b'{"version": 0}')])
def test_a_state_that_is_none_is_refused(state):
    with pytest.raises(ValueError, match="What was kept of drift cannot be read"):
        DriftMonitor.restore(state)


@pytest.mark.parametrize(
    ("shift", "said", "advice"),
    [
        (3.0, "less like the training images", "look at the images flagged as novel."),
        (-3.0, "more like the training images", "see whether the same parts come again and again."),
    ],
)
def test_advice_follows_the_direction(shift, said, advice):
    baselines = {"novelty": np.random.default_rng(0).normal(size=400)}
    monitor = DriftMonitor(baselines)
    changed = [{"novelty": value} for value in np.random.default_rng(1).normal(shift, 1, 200)]
    (alarm, *_) = feed(monitor, changed)
    assert said in alarm.sentence and alarm.sentence.endswith(advice)
