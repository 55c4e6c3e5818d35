import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.report.grouping.pictures.faces import cut_faces
from nearlabel.report.grouping.pictures.sheets import draw_contact_sheets


@pytest.mark.parametrize(("size", "faces", "shown"), [((40, 40), 4, 4), ((128, 32), 4, 4), ((40, 40), 1, 1)])
def test_the_images_nearest_the_centre_are_cut_out(tmp_path, size, faces, shown):
    grey = [20, 60, 100, 140, 180, 220, 240]
    for number, value in enumerate(grey):
        Image.new("L", size, value).save(tmp_path / f"{number}.png")
    images = pd.DataFrame({"image_id": [f"{i}.png" for i in range(7)], "width": size[0], "height": size[1]})
    images = images.assign(path=[str(tmp_path / name) for name in images["image_id"]])
    features = np.array([[0.0], [1], [-1], [2], [-2], [3], [-3]])
    clusters = images[["image_id"]].assign(cluster=0)
    index = draw_contact_sheets(images, features, images["image_id"], clusters, tmp_path / "sheets")
    uri, names = cut_faces(index, tmp_path / "sheets", 0, faces)
    assert names == [f"{i}.png" for i in range(shown)]
    picture = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("L")
    columns = min(shown, int(index.iloc[0]["columns"]))
    rows = shown // columns
    for place in range(shown):
        x = int(picture.width * (place % columns + 0.5) / columns)
        y = int(picture.height * (place // columns + 0.5) / rows)
        assert abs(picture.getpixel((x, y)) - grey[place]) < 6


def test_of_a_small_cluster_all_are_shown(tmp_path):
    Image.new("L", (30, 30), 90).save(tmp_path / "a.png")
    images = pd.DataFrame({"image_id": ["a"], "path": [str(tmp_path / "a.png")], "width": 30, "height": 30})
    clusters = images[["image_id"]].assign(cluster=3)
    index = draw_contact_sheets(images, np.zeros((1, 2)), ["a"], clusters, tmp_path / "sheets")
    assert cut_faces(index, tmp_path / "sheets", 3)[1] == ["a"]
