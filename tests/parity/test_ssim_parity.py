"""SSIM of many maps is scikit-image's of each."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from nearlabel.learning.strategies.ssim import ssim_to_reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "win_size"), [((7, 7), 7), ((7, 20), 7), ((12, 9), 3), ((11, 11), 11), ((64, 40), 7)]
)
@pytest.mark.parametrize("data_range", [1.0, 255.0, 0.01])
def test_equals_scikit_image(shape, win_size, data_range, dtype):
    rng = np.random.default_rng(0)
    maps = (rng.random((12, *shape)) ** 3 * data_range).astype(dtype)
    maps[0] = 0
    maps[1] = maps[2] + maps[3] * 1e-3
    reference = maps[1:6].mean(axis=0)
    maps[4] = reference
    expected = [structural_similarity(values, reference, win_size=win_size, data_range=data_range) for values in maps]
    found = ssim_to_reference(maps, reference, win_size=win_size, data_range=data_range)
    assert found.dtype == np.float64
    assert found[4] == 1
    np.testing.assert_allclose(found, expected, atol=1e-5 if dtype is np.float32 else 1e-12, rtol=0)
