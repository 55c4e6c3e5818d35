import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.images.synthetic import DEFECTS, GOOD, RARE_KIND, draw_dataset, draw_strip

COMMON = ["scratches", "inclusions", "patches", "crazing"]


def draw(folder, **changes):
    arguments = {
        "count": 20,
        "height": 32,
        "width": 96,
        "defect_share": 0.5,
        "kinds": COMMON,
        "rare_share": 0.1,
        "seed": 3,
    }
    draw_dataset(folder / "strips", folder / "table.csv", **(arguments | changes))
    return pd.read_csv(folder / "table.csv", dtype=str)


def test_strips_and_table_agree(tmp_path):
    table = draw(tmp_path)
    assert list(table.columns) == ["file", "class", "sha256"]
    assert sorted(path.name for path in (tmp_path / "strips").iterdir()) == list(table["file"])
    for name, sha256 in zip(table["file"], table["sha256"], strict=True):
        assert hashlib.sha256((tmp_path / "strips" / name).read_bytes()).hexdigest() == sha256
        with Image.open(tmp_path / "strips" / name) as image:
            assert (image.mode, image.size) == ("L", (96, 32))


def test_same_arguments_same_bytes(tmp_path):
    assert draw(tmp_path / "a").equals(draw(tmp_path / "b"))
    assert (tmp_path / "a/table.csv").read_bytes() == (tmp_path / "b/table.csv").read_bytes()


def test_a_larger_set_begins_with_the_smaller(tmp_path):
    assert draw(tmp_path / "a", count=30).head(20).equals(draw(tmp_path / "b"))


def test_seeds_draw_different_strips(tmp_path):
    assert not set(draw(tmp_path / "a", seed=1)["sha256"]) & set(draw(tmp_path / "b", seed=2)["sha256"])


@pytest.mark.parametrize("seed", range(5))
def test_shares(tmp_path, seed):
    counts = draw(tmp_path, count=240, height=8, width=8, rare_share=0.04, seed=seed)["class"].value_counts()
    assert abs(counts[GOOD] - 120) <= 3
    assert abs(counts[RARE_KIND] - 4.8) <= 2
    assert all(abs(counts[kind] - 28.8) <= 3 for kind in COMMON)


def test_only_what_is_asked_for(tmp_path):
    assert set(draw(tmp_path, defect_share=0)["class"]) == {GOOD}
    assert set(draw(tmp_path, defect_share=1, rare_share=1)["class"]) == {RARE_KIND}
    assert set(draw(tmp_path, defect_share=1, rare_share=0, kinds=["patches"])["class"]) == {"patches"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"kinds": ["rust"]}, "defect kind 'rust' is unknown; choose from scratches"),
        ({"kinds": []}, "no defect kind"),
        ({"rare_share": 2}, "rare_share must lie in"),
        ({"contrast": 0}, "contrast must lie in"),
    ],
)
def test_bad_arguments(tmp_path, changes, text):
    with pytest.raises(ValueError, match=text):
        draw(tmp_path, **changes)


@pytest.mark.parametrize("kind", DEFECTS)
def test_contrast_scales_what_a_defect_changes(kind):
    clean, faint, clear = (
        draw_strip(name, 64, 256, np.random.default_rng(4), contrast).astype(int)
        for name, contrast in ((GOOD, 1.0), (kind, 0.25), (kind, 1.0))
    )
    inside = (clear > 0) & (clear < 255)
    assert np.abs(faint - clean - 0.25 * (clear - clean))[inside].max() <= 1


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("shape", [(64, 256), (32, 96)])
def test_defects_stand_out_of_the_surface(kind, shape):
    """The same seed draws the same surface, so that the difference is the defect."""
    for seed in range(20):
        good = draw_strip(GOOD, *shape, np.random.default_rng(seed)).astype(int)
        defective = draw_strip(kind, *shape, np.random.default_rng(seed)).astype(int)
        # The surface's own texture has a standard deviation of about 7.
        assert np.mean(np.abs(defective - good) >= 20) >= 0.005


def test_kinds_are_told_apart_by_texture():
    """A linear rule on plain statistics of the grey values and their differences separates most strips."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.model_selection import cross_val_score

    def describe(strip):
        strip = strip.astype(float)
        parts = [strip - np.median(strip), np.diff(strip, axis=0), np.diff(strip, axis=1)]
        return np.concatenate([np.percentile(part, [1, 10, 90, 99]) for part in parts])

    kinds = [GOOD, *DEFECTS]
    strips = [
        draw_strip(kind, 64, 256, np.random.default_rng([i, j])) for i, kind in enumerate(kinds) for j in range(30)
    ]
    scores = cross_val_score(
        LinearDiscriminantAnalysis(), [describe(strip) for strip in strips], np.repeat(kinds, 30), cv=5
    )
    assert scores.mean() > 0.85
