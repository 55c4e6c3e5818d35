import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.learning.strategies import ssim
from nearlabel.learning.strategies.ssim import ssim_to_reference


def random_maps(count, height, width, seed=0):
    return np.random.default_rng(seed).random((count, height, width)).astype(np.float32)


def test_two_windows_by_hand():
    """3 × 4 maps have two windows of 3 × 3: their means, variances and covariances written out."""
    reference = np.zeros((3, 4))
    reference[:, 3] = 1
    flipped = 1 - reference
    c1, c2 = 1e-4, 9e-4
    # Left window: 0 against 1 everywhere. Right window: a third of ones against two thirds, covariance −variance.
    left = c1 / (1 + c1)
    variance = (3 - 9 / 9) / 8
    right = (2 * (1 / 3) * (2 / 3) + c1) * (-2 * variance + c2) / ((1 / 9 + 4 / 9 + c1) * (2 * variance + c2))
    found = ssim_to_reference(np.stack([reference, flipped]), reference, win_size=3)
    assert found[0] == 1
    assert found[1] == pytest.approx((left + right) / 2, abs=1e-12)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(7, 12), st.integers(7, 12), st.sampled_from([1e-3, 1.0, 255.0]))
def test_laws(seed, height, width, data_range):
    maps = random_maps(4, height, width, seed) * data_range
    maps[3] = 0
    found = ssim_to_reference(maps, maps[1], data_range=data_range)
    assert found[1] == 1
    assert found.min() >= -1
    assert found[[0, 2, 3]].max() < 1
    assert ssim_to_reference(maps[1:2], maps[0], data_range=data_range)[0] == pytest.approx(found[0], abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_map_equals_itself(value):
    constant = np.full((2, 7, 7), value, np.float32)
    assert ssim_to_reference(constant, constant[0]).tolist() == [1, 1]


def test_a_map_of_zeros_is_far_from_any_average():
    maps = random_maps(20, 7, 7)
    maps[4] = 0
    found = ssim_to_reference(maps, maps.mean(axis=0))
    assert found.argmin() == 4
    assert found[4] == pytest.approx(0, abs=1e-3)


def test_chunks_change_nothing(monkeypatch):
    maps = random_maps(23, 9, 8)
    whole = ssim_to_reference(maps, maps[0])
    monkeypatch.setattr(ssim, "CHUNK", 5 * 72)
    np.testing.assert_array_equal(ssim_to_reference(maps, maps[0]), whole)
    monkeypatch.setattr(ssim, "CHUNK", 1)
    np.testing.assert_array_equal(ssim_to_reference(maps, maps[0]), whole)


def test_tensors_and_no_maps():
    maps = random_maps(3, 7, 7)
    found = ssim_to_reference(torch.from_numpy(maps).requires_grad_(), torch.from_numpy(maps[2]))
    np.testing.assert_array_equal(found, ssim_to_reference(maps, maps[2]))
    assert ssim_to_reference(maps[:0], maps[2]).shape == (0,)


def test_wrong_input_is_named():
    maps = random_maps(3, 7, 7)
    with pytest.raises(ValueError, match=r"maps of 7 × 6 are smaller than the SSIM window of 7 × 7"):
        ssim_to_reference(maps[:, :, :6], maps[0, :, :6])
    with pytest.raises(ValueError, match=r"\(3, 7, 7\) and reference of shape \(7, 6\)"):
        ssim_to_reference(maps, maps[0, :, :6])
    for window in (6, 1):
        with pytest.raises(ValueError, match="give an odd number"):
            ssim_to_reference(maps, maps[0], win_size=window)
    for data_range in (0, -1, np.nan):
        with pytest.raises(ValueError, match="data_range"):
            ssim_to_reference(maps, maps[0], data_range=data_range)
    maps[1, 0, 0] = np.nan
    with pytest.raises(ValueError, match="maps 0 to 2 have values that are not finite"):
        ssim_to_reference(maps, maps[0])
    with pytest.raises(ValueError, match="reference map"):
        ssim_to_reference(maps[:1], maps[1])
