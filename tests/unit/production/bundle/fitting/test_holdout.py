"""What is held out: whole groups, label by label, the same ones whatever comes or goes."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.production.bundle.fitting.holdout import FEWEST, choose_held_out, first_of_groups


def contents(count, salt=""):
    return np.array([hashlib.sha256(f"{salt}{row}".encode()).hexdigest() for row in range(count)], dtype=object)


def choose(labels, groups=None, sha256=None, share=0.3, keep=None, unlabelled=False):
    labels = np.array(labels, dtype=object)
    groups = np.arange(len(labels)) if groups is None else np.asarray(groups)
    sha256 = contents(len(labels)) if sha256 is None else sha256
    keep = np.zeros(len(labels), bool) if keep is None else keep
    return choose_held_out(labels, groups, sha256, share, keep, unlabelled=unlabelled)


def test_a_share_of_each_label():
    held = choose(["good"] * 100 + ["scratch"] * 20 + [""] * 10).held_out
    assert (held[:100].sum(), held[100:120].sum(), held[120:].sum()) == (30, 6, 0)
    assert choose([""] * 20, unlabelled=True).held_out.sum() == 6


def test_a_rare_label_is_learnt_whole_and_said():
    found = choose(["good"] * 20 + ["rare"] * (FEWEST - 1) + ["one"])
    assert found.held_out.sum() == 6 and not found.held_out[20:].any()
    assert [note.split(":")[0] for note in found.notes] == [
        "'one' has one image, near-duplicates counted once",
        "'rare' has 4 different images, near-duplicates counted once",
    ]
    # Many images of few groups are few.
    assert not choose(["rare"] * 40, groups=np.arange(40) % 4).held_out.any()
    assert "none is held out" in choose([""] * 3, unlabelled=True).notes[0]


def test_a_label_of_which_a_small_share_is_no_image_is_said():
    found = choose(["good"] * 40 + ["crack"] * 8, share=0.05)
    assert found.held_out.sum() == 2 and not found.held_out[40:].any()
    assert found.notes == [
        "'crack' has 8 different images, near-duplicates counted once: all are learnt from (production.held_out is "
        "0.05), so that nothing is known of how well it is told, and every set of labels holds it"
    ]
    assert "none is held out (production.held_out is 0.01)" in choose([""] * 9, share=0.01, unlabelled=True).notes[0]


def test_a_label_that_only_images_to_keep_have_is_said():
    keep = np.arange(30) >= 20
    found = choose(["good"] * 20 + ["odd"] * 10, keep=keep)
    assert found.held_out.sum() == 6
    assert [note.split(",")[0] for note in found.notes] == ["'odd' has 10 different images"]


@given(
    st.lists(st.tuples(st.sampled_from(["good", "scratch", ""]), st.integers(0, 30)), min_size=1, max_size=80),
    st.floats(0.05, 0.95),
)
@settings(max_examples=150, deadline=None)
def test_groups_are_never_split(rows, share):
    labels, groups = zip(*rows, strict=True)
    found = choose(labels, groups, share=share)
    for group in set(groups):
        own = np.array(groups) == group
        assert len(set(found.held_out[own])) == 1
        assert set(found.group[own]) == {min(contents(len(rows))[own])}


@given(st.permutations(range(60)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_does_not_matter(order):
    sha256, labels = contents(60), np.array(["good", "scratch", "dent"] * 20, dtype=object)
    held = set(sha256[choose(labels).held_out])
    order = np.array(order)
    assert set(sha256[order][choose(labels[order], sha256=sha256[order]).held_out]) == held


def test_images_that_come_later_change_hardly_what_is_held_out():
    sha256 = contents(1000)
    before = set(sha256[:900][choose(["good"] * 900, sha256=sha256[:900]).held_out])
    after = set(sha256[choose(["good"] * 1000, sha256=sha256).held_out])
    old = set(sha256[:900])
    assert len(before) == 270 and len(after) == 300
    # Of those that both know, only some at the edge have changed sides.
    assert len(before ^ (after & old)) < 20


def test_what_is_to_be_kept_takes_its_group_along():
    keep = np.zeros(40, bool)
    keep[[0, 1]] = True
    groups = np.arange(40)
    groups[[2, 3]] = 0
    for share in (0.5, 0.95):
        assert not choose(["good"] * 40, groups, keep=keep, share=share).held_out[:4].any()


@pytest.mark.parametrize("rows", [[0, 1, 2, 3, 4, 5], [5, 3, 1], []])
def test_of_a_group_one_stands_for_all(rows):
    sha256 = np.array(["c", "a", "b", "d", "f", "e"], dtype=object)
    group = np.array(["a", "a", "a", "d", "e", "e"], dtype=object)
    found = first_of_groups(np.array(rows, dtype=int), group, sha256)
    assert list(found) == {6: [1, 3, 5], 3: [5, 3, 1], 0: []}[len(rows)]
