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


def test_images_count_as_what_they_stand_for(tmp_path):
    # Of the b's two were chosen by a strategy, and one, of those left, was drawn for eight.
    table = held_out_table("gbbbb", "gbbbg").assign(weight=[1.0, 1, 1, 8, 0])
    found = compare_bundles(*bundles(tmp_path, held_out_table("gbbbb", "gbbgb"), table))
    assert found.images == 4
    assert found.table.to_dict("list") == {"label": ["b", "g"], "images": [3, 1], "old": [0.2, 1], "new": [1, 1]}


def test_of_bundles_that_were_made_before_each_image_stands_for_itself(tmp_path):
    folders = bundles(tmp_path, held_out_table("gb", "gb"), held_out_table("gb", "gg"))
    for folder in folders:
        file = folder / "held_out.csv"
        pd.read_csv(file, dtype=str).drop(columns="weight").to_csv(file, index=False)
    assert compare_bundles(*folders).balanced == (1, 0.5)


KINDS = ["good"] * 20 + ["scratches"] * 10 + ["inclusions"] * 10
TWO = [kind if kind == "good" else "defective" for kind in KINDS]


def labelled(labels, said=None):
    table = held_out_table("g" * len(labels), "g" * len(labels))
    return table.assign(label=labels, said=labels if said is None else said)


@pytest.mark.parametrize("first", ["model", "network"])
def test_a_model_and_a_network_are_compared_by_good_or_not(tmp_path, first):
    """Other words for the same are no errors."""
    # The model takes one defect for another, which the network cannot; the network misses one.
    wrong = [*KINDS[:-1], "scratches"]
    ways = {
        "model": {"held_out": labelled(KINDS, wrong), "labels": ["good", "scratches", "inclusions"]},
        "network": {
            "held_out": labelled(TWO, [*TWO[:-1], "good"]),
            "labels": ["good", "defective"],
            "label_by": "network",
        },
    }
    folders = [write_made(tmp_path, **ways[name]) for name in sorted(ways, key=lambda name: name != first)]
    found = compare_bundles(*folders)
    recalls = {"model": [1, 1], "network": [1, 0.95]}
    assert found.table["label"].tolist() == ["good", "not good"] and found.differ == 1
    assert (found.table["old"].tolist(), found.table["new"].tolist()) == tuple(
        recalls[name] for name in sorted(ways, key=lambda name: name != first)
    )
    text = found.describe()
    assert "by the labels of 2, as good or not good alone, for the two do not tell the same labels:" in text
    assert "1 of 40 images get another label, good for not good or the other way round" in text


def test_a_network_calls_all_defects_by_the_only_label_that_it_has(tmp_path):
    said = ["good" if kind == "good" else "scratches" for kind in KINDS]
    ways = [
        {"held_out": labelled(KINDS, said), "labels": ["good", "scratches"], "label_by": "network"},
        {"held_out": labelled(KINDS), "labels": ["good", "scratches", "inclusions"]},
    ]
    assert compare_bundles(*(write_made(tmp_path, **way) for way in ways)).balanced == (1, 1)


def test_a_label_that_the_older_one_does_not_know_is_an_error_of_its(tmp_path):
    old, new = (labelled(KINDS, said) for said in (TWO, KINDS))
    old["said"] = ["good" if said == "good" else "scratches" for said in old["said"]]
    folders = [
        write_made(tmp_path, held_out=table, labels=labels)
        for table, labels in ((old, ["good", "scratches"]), (new, ["good", "scratches", "inclusions"]))
    ]
    assert compare_bundles(*folders).table["old"].tolist() == [1, 0, 1]


def test_what_cannot_be_compared_is_said(tmp_path):
    folders = [
        write_made(tmp_path, held_out=labelled(KINDS), labels=["good", "scratches", "inclusions"], normal=["good"]),
        write_made(tmp_path, held_out=labelled(TWO), labels=["defective", "good"], normal=[]),
    ]
    assert compare_bundles(*folders).describe() == (
        "bundles 1 and 2 cannot be compared by labels: they do not tell the same ones, and one of them does not say "
        "which are those of good images (production.normal)"
    )


def test_nothing_in_common_is_said(tmp_path):
    found = compare_bundles(*bundles(tmp_path, held_out_table("gg", "gg"), held_out_table("gg", "gg", first=5)))
    assert np.isnan(found.balanced).all() and found.images == 0
    assert found.describe() == (
        "bundles 1 and 2 cannot be compared: there is no labelled image that neither of them has learnt from"
    )
    unlabelled = bundles(tmp_path / "more", *(held_out_table("gg", said).assign(label="") for said in ("gg", "bb")))
    assert compare_bundles(*unlabelled).images == 0
