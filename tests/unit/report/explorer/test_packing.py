"""What a page unpacks is what was packed; node holds the pages' own unpacking against the same, see tests/js."""

import base64
import json
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearlabel.report.explorer.packing import pack_integers, pack_numbers, pack_points, pack_texts


def unpack(packed):
    """Planes of bytes, written down once more."""
    raw = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), dtype=np.uint8)
    planes = raw.reshape(packed["bytes"], packed["count"]).astype(np.int64)
    return (planes * 256 ** np.arange(packed["bytes"])[:, None]).sum(axis=0) - 1


@given(st.lists(st.integers(-1, 2**32 - 2), max_size=30))
def test_integers_come_back(values):
    packed = pack_integers(np.array(values, dtype=np.int64))
    assert unpack(packed).tolist() == values
    assert packed["bytes"] == (1 if max(values, default=0) < 255 else 2 if max(values) < 65535 else 4)


def test_what_fits_in_no_32_bits_is_refused():
    for value in (-2, 2**32 - 1):
        with pytest.raises(ValueError, match="cannot be packed"):
            pack_integers(np.array([0, value]))


def test_the_same_numbers_have_the_same_bytes_whatever_their_type():
    values = np.arange(1000) % 37
    assert len({json.dumps(pack_integers(values.astype(kind))) for kind in (np.int8, np.int32, np.int64, ">i4")}) == 1


@given(st.lists(st.floats(width=32), max_size=30))
def test_numbers_come_back_to_a_part_of_their_range(values):
    values = np.array(values, dtype=np.float64)
    packed = pack_numbers(values)
    steps = unpack(packed)
    known = np.isfinite(values)
    assert (steps[~known] == -1).all() and (steps[known] >= 0).all()
    if known.any():
        found = packed["low"] + packed["step"] * steps[known]
        assert np.abs(found - values[known]).max() <= np.ptp(values[known]) / 65534 * 0.5000001


def test_whole_numbers_are_exact():
    values = np.array([40.0, -3.0, np.nan, 65000.0])
    packed = pack_numbers(values)
    np.testing.assert_array_equal(unpack(packed) * packed["step"] + packed["low"], [40, -3, -4, 65000])


def test_points_keep_their_proportions_and_lie_in_the_middle():
    points = np.array([[0.0, 0.0], [10.0, 5.0], [5.0, 2.5]])
    x, y = unpack(pack_points(points)).reshape(2, -1)
    assert x.tolist() == [0, 65534, 32767]
    np.testing.assert_allclose(y, [65534 / 4, 65534 * 3 / 4, 32767], atol=1)
    np.testing.assert_array_equal(unpack(pack_points(np.ones((3, 2)))), np.full(6, 32767))
    assert pack_points(np.zeros((0, 2)))["count"] == 0


@pytest.mark.parametrize("points", [np.zeros((3, 3)), np.zeros(4), np.array([[0, np.nan]])])
def test_what_is_no_place_is_refused(points):
    with pytest.raises(ValueError, match="map"):
        pack_points(points)


@given(st.lists(st.text(), max_size=10))
def test_texts_come_back(texts):
    packed = pack_texts(texts)
    assert packed.isascii() and json.loads(zlib.decompress(base64.b64decode(packed))) == texts
