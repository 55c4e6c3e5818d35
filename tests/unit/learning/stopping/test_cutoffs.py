import json

import numpy as np
import pandas as pd
import pytest

from nearlabel.learning.stopping.cutoffs import auc_slopes, compare_with_knees, find_cutoffs
from nearlabel.run_files import CUTOFFS

# A bend at 160 images, the fifth round.
LEFT = [80, 60, 40, 20, 4, 4, 3, 3, 2, 1]


def run(val, test, left=LEFT):
    n = len(val)
    frame = pd.DataFrame({"round": range(n), "n_labelled": 32 * np.arange(1, n + 1), "val_auc": val, "test_auc": test})
    return frame.assign(val_ap=frame["val_auc"] - 0.1, test_ap=frame["test_auc"] - 0.1, defects_left=left[:n])


VAL = [0.5, 0.6, 0.8, 0.7, 0.75, 0.8, 0.9, 0.85, 0.9, 0.6]
TEST = [0.5, 0.7, 0.6, 0.9, 0.65, 0.7, 0.8, 0.95, 0.7, 0.6]


def test_cutoffs_by_hand():
    found = find_cutoffs(run(VAL, TEST))
    assert list(found) == list(CUTOFFS)
    assert found == {
        # 0.9 again at 288: the fewer images count.
        "best": {"round": 6, "n_labelled": 224, "val_auc": 0.9, "test_auc": 0.8},
        "knee": {"round": 4, "n_labelled": 160, "val_auc": 0.75, "test_auc": 0.65},
        "best_until_knee": {"round": 2, "n_labelled": 96, "val_auc": 0.8, "test_auc": 0.6},
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_choosing_on_test_claims_more():
    claimed = find_cutoffs(run(VAL, TEST), choose_on="test_auc")
    assert claimed["best"] == {"round": 7, "n_labelled": 256, "val_auc": 0.85, "test_auc": 0.95}
    assert claimed["best_until_knee"]["n_labelled"] == 128
    assert claimed["knee"] == find_cutoffs(run(VAL, TEST))["knee"]


def test_best_until_the_knee_includes_the_knee():
    val = [*VAL[:4], 0.85, *VAL[5:]]
    found = find_cutoffs(run(val, TEST))
    assert found["best_until_knee"] == found["knee"]


def test_no_knee_leaves_the_best_alone():
    straight = run(VAL, TEST, left=list(range(100, 0, -10)))
    found = find_cutoffs(straight)
    assert found["knee"] is None
    assert found["best_until_knee"] is None
    assert found["best"]["round"] == 6
    assert find_cutoffs(run([0.5], [0.6]))["best"] == {"round": 0, "n_labelled": 32, "val_auc": 0.5, "test_auc": 0.6}


def test_options_reach_the_knee():
    assert find_cutoffs(run(VAL, TEST), sensitivity=20)["knee"] is None
    with pytest.raises(ValueError, match="interpolation 'cubic' is unknown"):
        find_cutoffs(run(VAL, TEST), interpolation="cubic")


def test_rounds_without_evaluation_are_never_best():
    val, test = list(VAL), list(TEST)
    for skipped in (4, 6):
        val[skipped] = test[skipped] = np.nan
    found = find_cutoffs(run(val, test))
    assert found["best"]["round"] == 8
    assert found["knee"] == {"round": 4, "n_labelled": 160, "val_auc": None, "test_auc": None}
    nothing = find_cutoffs(run([np.nan] * 10, [np.nan] * 10))
    assert nothing["best"] is None
    assert nothing["best_until_knee"] is None
    assert nothing["knee"]["n_labelled"] == 160


def test_slopes_are_per_hundred_images():
    rounds = run(VAL, [0.5, 0.6, 0.7, 0.8, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65])
    before, after = auc_slopes(rounds, 160)
    assert before == pytest.approx(0.1 / 0.32)
    assert after == pytest.approx(-0.05 / 0.32)
    noisy = run(VAL, TEST)
    expected = 100 * np.polyfit(noisy["n_labelled"][:5], noisy["test_auc"][:5], 1)[0]
    assert auc_slopes(noisy, 160)[0] == pytest.approx(expected)
    assert auc_slopes(noisy, 32)[0] is None
    assert auc_slopes(noisy, 320)[1] is None
    assert auc_slopes(noisy.assign(test_auc=np.nan), 160) == (None, None)


def test_observations_over_folds():
    early = [0.5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5]
    at_knee = [0.5, 0.6, 0.7, 0.8, 0.95, 0.8, 0.8, 0.8, 0.8, 0.8]
    rounds = {0: run(VAL, TEST), 1: run(early, early), 2: run(at_knee, at_knee),
              3: run(early, early, left=list(range(100, 0, -10)))}  # fmt: skip
    cutoffs = {fold: find_cutoffs(frame) for fold, frame in rounds.items()}
    found = compare_with_knees(rounds, cutoffs)
    slopes = [auc_slopes(rounds[fold], 160) for fold in (0, 1, 2)]
    assert found == {
        "folds": 4,
        "folds_with_knee": 3,
        "best_before_knee": pytest.approx(1 / 3),
        "slope_before": pytest.approx(np.mean([before for before, _ in slopes])),
        "slope_after": pytest.approx(np.mean([after for _, after in slopes])),
    }


def test_observations_without_any_knee():
    rounds = {0: run(VAL, TEST, left=list(range(100, 0, -10)))}
    found = compare_with_knees(rounds, {0: find_cutoffs(rounds[0])})
    assert found == {"folds": 1, "folds_with_knee": 0, "best_before_knee": None, "slope_before": None,
                     "slope_after": None}  # fmt: skip
    with pytest.raises(ValueError, match=r"folds \[0\], cut-offs of \[0, 1\]"):
        compare_with_knees(rounds, {0: find_cutoffs(rounds[0]), 1: find_cutoffs(rounds[0])})
