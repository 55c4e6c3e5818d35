import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from scipy.stats import hypergeom
from sklearn.model_selection import StratifiedGroupKFold

from nearlabel.files import write_csv
from nearlabel.images.duplicates import hash_images
from nearlabel.learning.data.folds import fold_roles, read_folds
from nearlabel.learning.data.splitting import assign_folds, split_folds


def texture(number):
    noise = gaussian_filter(np.random.default_rng(number).normal(size=(64, 96)), 5)
    return np.rint((noise - noise.min()) / np.ptp(noise) * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data_set(tmp_path_factory):
    """Thirty textures, the first ten defective; images 1 and 12 have brighter copies, 20 to 22 are one part."""
    folder = tmp_path_factory.mktemp("images")
    pictures = {f"{i:02d}.png": texture(i) for i in range(30)}
    pictures |= {"01b.png": texture(1) // 2 + 60, "12b.png": texture(12) // 2 + 60}
    rows = []
    for name in sorted(pictures):
        Image.fromarray(pictures[name]).save(folder / name)
        part = "p" if name in ("20.png", "21.png", "22.png") else ""
        rows.append((name, str(folder / name), part, name, "bad" if name < "10" else "good"))
    frame = pd.DataFrame(rows, columns=["image_id", "path", "part", "sha256", "near_label"])
    return frame.drop(columns="near_label"), frame[["image_id", "near_label"]]


def split(images, near_labels, **options):
    hashes = hash_images(images["path"], workers=2)
    return split_folds(
        images, near_labels, hashes, **({"positive": "bad", "folds": 5, "distance": 4, "seed": 0} | options)
    )


def test_near_duplicates_stay_together_and_classes_are_spread(data_set, caplog):
    images, near_labels = data_set
    caplog.set_level("INFO")
    frame = split(images, near_labels)
    assert frame.columns.tolist() == ["image_id", "fold", "duplicate_of"]
    assert frame["image_id"].tolist() == images["image_id"].tolist()
    of = frame.set_index("image_id")
    assert of.loc[of["duplicate_of"] != "", "duplicate_of"].to_dict() == {
        "01b.png": "01.png", "12b.png": "12.png", "21.png": "20.png", "22.png": "20.png"}  # fmt: skip
    for name, first in of["duplicate_of"].items():
        assert not first or of.loc[name, "fold"] == of.loc[first, "fold"]
    bad = (near_labels["near_label"] == "bad").to_numpy()
    sizes, positives = np.bincount(frame["fold"]), np.bincount(frame["fold"], weights=bad)
    assert sorted(positives) == [2, 2, 2, 2, 3]
    assert sorted(sizes) == [6, 6, 6, 7, 7]
    assert "28 groups, 3 of them of more than one image (2 of 2, 1 of 3)" in caplog.text
    assert split(images, near_labels).equals(frame)
    assert not split(images, near_labels, seed=1)["fold"].equals(frame["fold"])


def test_written_and_read_again(data_set, tmp_path):
    frame = split(*data_set)
    frame.loc[0, "image_id"] = "NA"
    write_csv(tmp_path / "folds.csv", frame)
    again = read_folds(tmp_path / "folds.csv")
    assert again["fold"].dtype == np.int64
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)
    (tmp_path / "folds.csv").write_text("image_id,fold,duplicate_of\na,one,\n")
    with pytest.raises(ValueError, match=r"folds\.csv: a fold is no whole number"):
        read_folds(tmp_path / "folds.csv")


def test_images_without_label_are_left_out_and_counted(data_set, caplog):
    images, near_labels = data_set
    near_labels = near_labels.copy()
    near_labels.loc[[3, 20], "near_label"] = ["", None]
    frame = split(images, near_labels, folds=4)
    assert frame["image_id"].tolist() == images["image_id"].drop([3, 20]).tolist()
    assert "2 images without near-label are left out, the first is '02.png'" in caplog.text


def test_flat_images_and_groups_of_both_classes_are_told(data_set, tmp_path, caplog):
    images, near_labels = (frame.copy() for frame in data_set)
    for row in range(20, 28):
        path = tmp_path / f"{row}.png"
        Image.new("L", (40, 30), 3 * row).save(path)
        images.loc[row, "path"] = str(path)
    images.loc[[0, 29], "part"] = "shared"
    frame = split(images, near_labels)
    assert "8 images show one grey throughout, for example '18.png'" in caplog.text
    assert "1 groups of near-duplicates hold both classes, the first is that of '00.png'" in caplog.text
    assert (frame.loc[[20, 21, 22], "duplicate_of"] == "").sum() >= 2


@pytest.mark.parametrize("positive", ["crack", ""])
def test_one_class_is_an_error(data_set, positive):
    with pytest.raises(ValueError, match=r"none of the 32 .* near-labels are 'bad' \(11\), 'good' \(21\)"):
        split(*data_set, positive=positive)
    images, near_labels = data_set
    with pytest.raises(ValueError, match="all of the 32 labelled images are positive"):
        split(images, near_labels.assign(near_label="1"), positive=1)
    with pytest.raises(ValueError, match=r"none of the 0 labelled images .* near-labels are missing"):
        split(images, near_labels.assign(near_label=""))


def test_too_many_folds_say_the_largest_number(data_set):
    with pytest.raises(ValueError, match=r"11 folds need 11 positive .* there are 10; the largest possible .* is 10"):
        split(*data_set, folds=11)
    assert split(*data_set, folds=10)["fold"].nunique() == 10
    for folds in (0, 2):
        with pytest.raises(ValueError, match=f"folds is {folds}; at least 3"):
            split(*data_set, folds=folds)


def test_a_group_larger_than_a_fold_names_its_cause(data_set, tmp_path):
    images, near_labels = data_set
    alike = images.copy()
    for row in range(5, 20):
        path = tmp_path / f"{row}.png"
        Image.fromarray(texture(1) // 2 + 3 * row).save(path)
        alike.loc[row, "path"] = str(path)
    with pytest.raises(
        ValueError,
        match=r"group of 17 .* \(by duplicate_distance 4; .*'01.png'.* 5 folds \(7 images\): "
        "write duplicate_distance: none if they are not the same thing; fewer folds do not help$",
    ):
        split(alike, near_labels)
    assert (split(alike, near_labels, distance=None)["duplicate_of"] != "").sum() == 2
    parts = images.assign(part=["lot 7" if 5 <= i < 15 else "" for i in range(32)])
    with pytest.raises(ValueError, match=r"of 10 .*part 'lot 7'; .*'04.png'.*\(7 images\): .*number of folds is 3$"):
        split(parts, near_labels)
    same = images.assign(sha256="0")
    with pytest.raises(ValueError, match=r"of 32 near-duplicates .*by equal files.* not even 3 folds are possible"):
        split(same, near_labels)


def test_too_many_folds_for_what_looks_alike_name_the_way_out(data_set):
    message = r"11 positive .* number of folds is 10; duplicate_distance 4 joins .* write duplicate_distance: none"
    with pytest.raises(ValueError, match=message):
        split(*data_set, folds=11)
    assert split(*data_set, folds=11, distance=None)["fold"].nunique() == 11


def test_near_labels_of_other_images(data_set):
    images, near_labels = data_set
    for wrong in (near_labels.iloc[1:], near_labels.assign(image_id=near_labels["image_id"].str.upper())):
        with pytest.raises(ValueError, match="different images"):
            split(images, wrong)


def spread(values):
    return max(values) - min(values)


@settings(deadline=None)
@given(st.integers(3, 10), st.integers(0, 2**32), st.data())
def test_single_images_give_a_stratified_k_fold(folds, seed, data):
    count = st.integers(folds, 60)
    positive = np.repeat([True, False], [data.draw(count), data.draw(count)])
    fold = assign_folds(positive, np.arange(len(positive)), folds, seed)
    assert spread(np.bincount(fold[positive], minlength=folds)) <= 1
    assert spread(np.bincount(fold[~positive], minlength=folds)) <= 1


@settings(deadline=None)
@given(st.integers(3, 6), st.integers(0, 100), st.data())
def test_groups_stay_whole_and_classes_even(folds, seed, data):
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=6 * folds, max_size=60))
    kinds = data.draw(st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes)))
    kinds[: 2 * folds] = [True] * folds + [False] * folds
    groups, positive = np.repeat(np.arange(len(sizes)), sizes), np.repeat(kinds, sizes)
    fold = assign_folds(positive, groups * 7, folds, seed)
    assert all(len(set(fold[groups == group])) == 1 for group in range(len(sizes)))
    for chosen in (positive, ~positive):
        counts = np.bincount(fold[chosen], minlength=folds)
        assert counts.min() >= 1
        assert spread(counts) <= np.bincount(groups[chosen]).max()


def test_folds_are_at_least_as_even_as_scikit_learns():
    rng = np.random.default_rng(0)
    for trial, (largest, rate, mixed) in enumerate([(1, 0.1, 0), (3, 0.1, 0.1), (12, 0.3, 0.1), (4, 0.05, 0)]):
        groups = np.repeat(np.arange(200), rng.integers(1, largest + 1, 200))
        positive = (rng.random(200) < rate)[groups] ^ (rng.random(len(groups)) < mixed)
        positive[np.isin(groups, range(10))] = True
        ours = assign_folds(positive, groups, 10, trial)
        theirs = np.empty(len(groups), int)
        with warnings.catch_warnings(action="ignore"):
            splitter = StratifiedGroupKFold(10, shuffle=True, random_state=trial)
            for number, (_, test) in enumerate(splitter.split(positive, positive, groups)):
                theirs[test] = number
        for weights in (None, positive):
            assert spread(np.bincount(ours, weights)) <= spread(np.bincount(theirs, weights, minlength=10))


def test_the_largest_number_of_folds_is_possible_and_the_next_one_not():
    positive = np.repeat([True, False], [5, 40])
    groups = np.concatenate([[0, 0, 1, 2, 3], np.arange(4, 44)])
    with pytest.raises(ValueError, match=r"9 folds need 9 positive .* there are 4; the largest possible .* is 4"):
        assign_folds(positive, groups, 9, 0)
    assert len(set(assign_folds(positive, groups, 4, 0))) == 4
    with pytest.raises(ValueError, match="5 folds need 5 positive"):
        assign_folds(positive, groups, 5, 0)
    with pytest.raises(ValueError, match=r"3 negative images .* there are 2; not even 3 folds .* label more images"):
        assign_folds(~np.isin(np.arange(10), [0, 1]), np.arange(10), 3, 0)
    with pytest.raises(ValueError, match=r"group of 6 .* larger than one of 4 folds \(4 images\); .* folds is 3"):
        assign_folds(np.arange(16) % 2 == 0, np.minimum(np.arange(16), 10), 4, 0)


def test_a_fold_with_one_class_is_an_error():
    # Two groups of both classes meet in one fold; the only other negative cannot serve both of the rest.
    positive = np.array([True] * 8 + [True, False, True, False, False])
    groups = np.array([0] * 4 + [1] * 4 + [2, 2, 3, 3, 4])
    with pytest.raises(ValueError, match=r"fold [0-2] of 3 has one class only.* not even 3 folds"):
        assign_folds(positive, groups, 3, 0)


def test_folds_drawn_uniformly_keep_groups_whole_and_whatever_the_class(data_set):
    images, near_labels = data_set
    uniform = {"stratified": False, "folds": 3}
    frame = split(images, near_labels, **uniform)
    of = frame.set_index("image_id")
    for name, first in of["duplicate_of"].items():
        assert not first or of.loc[name, "fold"] == of.loc[first, "fold"]
    assert frame.equals(split(images, near_labels, **uniform))
    folds = [tuple(split(images, near_labels, **uniform, seed=seed)["fold"]) for seed in range(4)]
    assert len(set(folds)) == 4
    assert not frame.equals(split(images, near_labels, folds=3))


@settings(deadline=None)
@given(st.integers(3, 10), st.integers(0, 2**32), st.data())
def test_uniform_folds_are_as_large_and_do_not_look_at_classes(folds, seed, data):
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=8 * folds, max_size=100))
    groups = np.repeat(np.arange(len(sizes)), sizes)
    positive = np.arange(len(groups)) % 2 == 0
    try:
        fold = assign_folds(positive, groups, folds, seed, stratified=False)
        other = assign_folds(~positive, groups, folds, seed, stratified=False)
    except ValueError as error:
        assert "one class only" in str(error) or "larger than one of" in str(error) or "that are not near" in str(error)
        return
    assert np.array_equal(fold, other)
    assert all(len(set(fold[groups == group])) == 1 for group in range(len(sizes)))
    assert spread(np.bincount(fold, minlength=folds)) <= max(sizes)


def test_a_uniform_fold_does_not_give_the_prevalence_away():
    """Positives of a fold are as many as a uniform draw has, hypergeometric; stratified ones hardly vary."""
    positive, draws = np.arange(200) < 50, {True: [], False: []}
    for seed in range(400):
        for stratified, counts in draws.items():
            fold = assign_folds(positive, np.arange(200), 5, seed, stratified=stratified)
            assert np.bincount(fold).tolist() == [40] * 5
            counts.append(positive[fold == seed % 5].sum())
    assert set(draws[True]) == {10}
    uniform = hypergeom(200, 50, 40)
    assert abs(np.mean(draws[False]) - uniform.mean()) < 4 * uniform.std() / 20
    assert np.std(draws[False]) == pytest.approx(uniform.std(), rel=0.12)


def test_uniform_folds_of_one_class_are_an_error():
    positive = np.arange(60) < 4
    failed = 0
    for seed in range(30):
        try:
            assign_folds(positive, np.arange(60), 4, seed, stratified=False)
        except ValueError as error:
            failed += 1
            assert "has one class only, since folds are drawn whatever the class; " in str(error)
    assert failed > 15
    assert len(set(assign_folds(positive, np.arange(60), 4, 0))) == 4


def test_roles():
    frame = pd.DataFrame({"image_id": list("abcdef"), "fold": [0, 1, 2, 3, 0, 2], "duplicate_of": ""})
    assert fold_roles(frame, 0).to_dict() == {"a": "test", "b": "validation", "c": "pool", "d": "pool", "e": "test",
                                              "f": "pool"}  # fmt: skip
    last = fold_roles(frame, 3)
    assert last.tolist() == ["validation", "pool", "pool", "test", "validation", "pool"]
    for fold in (-1, 4):
        with pytest.raises(ValueError, match=f"no fold {fold}; folds are 0 to 3"):
            fold_roles(frame, fold)
