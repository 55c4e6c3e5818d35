"""Two bundles on what neither has learnt from: known answers."""

import numpy as np
import pandas as pd
import pytest

from helpers.written_bundles import held_out_table, write_made
from nearlabel.production.bundle.comparing import compare_bundles


def bundles(folder, *tables):
    return [write_made(folder, held_out=table, commit="") for table in tables]


def test_balanced_accuracy_of_both_on_what_both_have_held_out(tmp_path):
    # The first two rows are held out by the older one alone, the last two by the newer one.
    old = held_out_table("bagggggggg"[:10], "bagbgggggg"[:10])
    new = pd.concat([held_out_table("ggggggbb", "gggggggb", first=2), held_out_table("aa", "aa", first=10)])
    found = compare_bundles(*bundles(tmp_path, old, new))
    assert (found.old, found.new, found.images, found.differ) == (1, 2, 8, 2)
    assert found.table.to_dict("list") == {"label": ["b", "g"], "images": [2, 6], "old": [0, 5 / 6], "new": [0.5, 1]}
    assert found.balanced == (pytest.approx(5 / 12), 0.75)
    text = found.describe()
    assert "bundle 2 against 1, on 8 held-out images" in text and "by the labels of 2" in text
    assert "balanced accuracy 0.750, before 0.417: +0.333" in text and "2 of 8 images get another label" in text


def test_the_latest_labels_judge_whichever_way_they_are_compared(tmp_path):
    folders = bundles(tmp_path, held_out_table("gg", "gg"), held_out_table("bb", "bg"))
    assert compare_bundles(*folders).balanced == (0, 0.5)
    back = compare_bundles(*reversed(folders))
    assert (back.old, back.new, back.balanced) == (2, 1, (0.5, 0)) and "by the labels of 2" in back.describe()


def test_the_interval_holds_the_difference_and_narrows_with_images(tmp_path):
    rng = np.random.default_rng(0)
    widths = []
    for number, count in enumerate((20, 500)):
        labels = "".join(rng.choice(list("gb"), count))
        said = ["".join(a if rng.random() < p else "x" for a in labels) for p in (0.6, 0.8)]
        found = compare_bundles(*bundles(tmp_path / str(number), *(held_out_table(labels, one) for one in said)))
        low, high = found.interval
        assert low < found.balanced[1] - found.balanced[0] < high
        assert compare_bundles(*(tmp_path / str(number) / name for name in "12")).interval == found.interval
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_near_duplicates_count_as_one_in_the_interval(tmp_path):
    old, new = held_out_table("g" * 40, "g" * 20 + "b" * 20), held_out_table("g" * 40, "g" * 40)
    alone = compare_bundles(*bundles(tmp_path / "alone", old, new))
    joined = [table.assign(group=[str(row // 10) for row in range(40)]) for table in (old, new)]
    together = compare_bundles(*bundles(tmp_path / "together", *joined))
    assert together.balanced == alone.balanced
    assert np.diff(together.interval) > 2 * np.diff(alone.interval)


def test_nothing_in_common_is_said(tmp_path):
    found = compare_bundles(*bundles(tmp_path, held_out_table("gg", "gg"), held_out_table("gg", "gg", first=5)))
    assert np.isnan(found.balanced).all() and found.images == 0
    assert found.describe() == (
        "bundles 1 and 2 cannot be compared: there is no labelled image that neither of them has learnt from"
    )
    unlabelled = bundles(tmp_path / "more", *(held_out_table("gg", said).assign(label="") for said in ("gg", "bb")))
    assert compare_bundles(*unlabelled).images == 0
