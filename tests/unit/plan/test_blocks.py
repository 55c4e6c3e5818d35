"""Blocks of numbers of clusters: their names, and what a wider range leaves as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearlabel.plan.blocks import read_block, split_ks

RANGES = st.tuples(st.integers(2, 1200), st.integers(0, 120), st.integers(1, 60)).map(
    lambda drawn: (drawn[0], drawn[0] + drawn[1], drawn[2])
)


@pytest.mark.parametrize(
    ("first", "last", "per_job", "names"),
    [
        (2, 50, 50, ["k002-050"]),
        (2, 51, 50, ["k002-050", "k051-051"]),
        (2, 12, 5, ["k002-005", "k006-010", "k011-012"]),
        (5, 6, 5, ["k005-005", "k006-006"]),
        (7, 9, 5, ["k007-009"]),
        (2, 2, 50, ["k002-002"]),
        (2, 4, 1, ["k002-002", "k003-003", "k004-004"]),
        (998, 1002, 500, ["k998-1000", "k1001-1002"]),
    ],
)
def test_blocks_end_at_multiples(first, last, per_job, names):
    assert split_ks(first, last, per_job) == names


def test_a_wider_range_leaves_the_blocks_in_its_middle():
    assert split_ks(4, 17, 5) == ["k004-005", "k006-010", "k011-015", "k016-017"]
    assert split_ks(2, 22, 5) == ["k002-005", "k006-010", "k011-015", "k016-020", "k021-022"]


@given(RANGES, st.integers(0, 80), st.integers(0, 80))
def test_any_wider_range_leaves_the_blocks_in_its_middle(drawn, lower, higher):
    first, last, per_job = drawn
    wider = split_ks(max(2, first - lower), last + higher, per_job)
    assert set(split_ks(first, last, per_job)[1:-1]) <= set(wider)


@given(RANGES)
def test_blocks_hold_every_number_once(drawn):
    first, last, per_job = drawn
    blocks = [read_block(name) for name in split_ks(first, last, per_job)]
    assert [k for low, high in blocks for k in range(low, high + 1)] == list(range(first, last + 1))
    for low, high in blocks:
        assert high - low < per_job
        assert high % per_job == 0 or high == last


def test_a_name_tells_its_first_and_last():
    assert read_block("k002-050") == [2, 50]
    assert read_block("k998-1000") == [998, 1000]
