import hashlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image


@pytest.fixture
def drawn_images(tmp_path):
    """Eight noisy images of two shapes, as ``images.csv`` lists them."""
    rows = []
    for number in range(8):
        path = tmp_path / f"{number}.png"
        size = (40, 60 + 40 * (number % 2))
        Image.fromarray(np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)).save(path)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        rows.append((path.name, str(path), str(size[1]), str(size[0]), sha256, ""))
    return pd.DataFrame(rows, columns=["image_id", "path", "width", "height", "sha256", "full_range"])
