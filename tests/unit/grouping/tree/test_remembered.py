import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.grouping.tree.remembered import hash_members, member_overlap, read_memory, remember, tidy_memory

sets = st.sets(st.text(max_size=3), max_size=8)


@settings(deadline=None)
@given(sets, sets)
def test_overlap_is_symmetric_and_1_for_equal_sets_only(one, other):
    overlap = member_overlap(one, other)
    assert overlap == member_overlap(other, one)
    assert 0 <= overlap <= 1
    assert (overlap == 1) == (one == other) == (hash_members(one) == hash_members(other))


def keep(path, members, **options):
    return remember(path, "root.1", "root.1", members, **{"min_overlap": 0.5} | options)


def test_first_naming_is_kept_and_changes_are_reported(tmp_path, caplog):
    path = tmp_path / "deep/root.1.json"
    assert read_memory(path) is None
    assert keep(path, "abc").overlap == 1
    assert keep(path, "cab").overlap == 1
    with caplog.at_level(logging.WARNING):
        assert keep(path, "abcd").overlap == 0.75
    assert "root.1 have changed since it was named: 3 then, 4 now, overlap 0.75" in caplog.text
    assert read_memory(path).members == ["a", "b", "c"]  # small changes do not add up unseen
    with pytest.raises(ValueError, match=r"root\.1 had 3 images .* 1 now, with an overlap of 0\.33, below .* move"):
        keep(path, "a")
    assert read_memory(path).overlap == 0.75
    path.unlink()
    assert keep(path, "a").members == ["a"]


def test_what_is_not_named_follows_its_node(tmp_path):
    path = tmp_path / "root.1.json"
    keep(path, "abc", min_overlap=None)
    keep(path, "xyz", min_overlap=None)
    assert keep(path, "xyzw").overlap == 0.75


def test_damaged_memory_is_named(tmp_path):
    path = tmp_path / "root.1.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"root\.1\.json is damaged"):
        keep(path, "a")


def test_what_is_named_no_longer_is_forgotten(tmp_path):
    for node, now in (("root.1", "abcd"), ("root.2", "ab")):
        for members in ("abc", now):
            remember(tmp_path / f"{node}.json", node, node, members, min_overlap=0.5)
    tidy_memory(tmp_path, ["root.1"], 0.75)
    assert [file.name for file in tmp_path.iterdir()] == ["root.1.json"]
    with pytest.raises(ValueError, match=r"node root\.1 overlap by 0\.75 .* below grouping\.min_overlap 0\.8"):
        tidy_memory(tmp_path, ["root.1"], 0.8)
