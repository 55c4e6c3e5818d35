import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.images.cells import cell_size
from nearlabel.report.grouping.pictures.sheets import INDEX_COLUMNS, draw_contact_sheets


def make_run(folder, sizes, shape=(40, 20)):
    """Images whose only feature is their place: cluster c's images lie at 100 c + 0, 1, 4, 9, …"""
    folder.mkdir(exist_ok=True)
    rows, features, clusters = [], [], []
    for cluster, size in enumerate(sizes):
        for number in range(size):
            name = f"c{cluster} \"<{number:02d}>'.png"
            path = folder / f"{cluster}_{number:02d}.png"
            Image.new("L", shape, 20 * cluster + number).save(path)
            rows.append({"image_id": name, "path": str(path), "width": str(shape[0]), "height": str(shape[1])})
            features.append([100.0 * cluster + number**2])
            clusters.append({"image_id": name, "cluster": cluster})
    images, clusters = pd.DataFrame(rows), pd.DataFrame(clusters)
    return images, np.array(features), images["image_id"].tolist(), clusters


def test_nearest_and_farthest_are_ranked_by_distance_and_nothing_is_shown_twice(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [8, 3])
    index = draw_contact_sheets(images, features, ids, clusters, tmp_path / "sheets", per_side=3)
    assert index.columns.tolist() == INDEX_COLUMNS
    distances = np.abs(np.arange(8) ** 2 - 17.5)
    ranked = np.argsort(distances)
    for side, expected in (("nearest", ranked[:3]), ("farthest", ranked[::-1][:3])):
        shown = index[(index["cluster"] == 0) & (index["side"] == side)]
        assert shown["image_id"].tolist() == [ids[i] for i in expected]
        assert shown["distance"].tolist() == pytest.approx(distances[expected].tolist())
        assert shown["position"].tolist() == [0, 1, 2]
    assert not index["image_id"].duplicated().any()
    assert index[index["cluster"] == 1]["side"].unique().tolist() == ["nearest"]
    assert sorted(p.name for p in (tmp_path / "sheets").iterdir()) == sorted(index["file"].unique())


def test_maps_are_laid_over_the_nearest_images(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [5], shape=(40, 40))
    novelty = np.zeros((4, 4), np.float32)
    novelty[3, 0] = 9
    maps = {name: (novelty, 1.0) for name in ids}
    index = draw_contact_sheets(
        images, features, ids, clusters, tmp_path / "sheets", per_side=1, thumbnail=40, maps=maps
    )
    assert index["map_file"].tolist() == ["cluster000_nearest_maps.jpg", ""]
    plain, laid = (
        np.asarray(Image.open(tmp_path / "sheets" / index[column][0])).astype(int) for column in ("file", "map_file")
    )
    assert plain.shape == laid.shape
    changed = np.abs(plain - laid).max(2) > 40
    assert changed[36:40, 4:8].all() and not changed[:20].any() and not changed[:, 26:].any()
    assert draw_contact_sheets(images, features, ids, clusters, tmp_path / "none")["map_file"].unique().tolist() == [""]


def test_rows_of_features_are_found_by_name_not_by_order(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [5])
    usual = draw_contact_sheets(images, features, ids, clusters, tmp_path / "a", per_side=2)
    turned = draw_contact_sheets(
        images[::-1], features[::-1], ids[::-1], clusters.sample(frac=1, random_state=0), tmp_path / "b", per_side=2
    )
    pd.testing.assert_frame_equal(usual, turned)
    for file in usual["file"].unique():
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_cells_show_the_right_images(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [4, 4], shape=(30, 30))
    index = draw_contact_sheets(images, features, ids, clusters, tmp_path / "sheets", thumbnail=40, sheet_width=90)
    for row in index.itertuples():
        sheet = Image.open(tmp_path / "sheets" / row.file)
        width, height = sheet.width // row.columns, sheet.height // row.rows
        centre = ((row.position % row.columns + 0.5) * width, (row.position // row.columns + 0.5) * height)
        pixel = sheet.getpixel(tuple(map(int, centre)))
        grey = Image.open(images.set_index("image_id").loc[row.image_id, "path"]).getpixel((0, 0))
        assert pixel == pytest.approx((grey, grey, grey), abs=2)
    assert index["columns"].unique().tolist() == [2]


def test_an_image_that_vanished_leaves_a_crossed_cell_and_its_reason(tmp_path, caplog):
    images, features, ids, clusters = make_run(tmp_path / "images", [3])
    (tmp_path / "images" / "0_01.png").unlink()
    index = draw_contact_sheets(images, features, ids, clusters, tmp_path / "sheets")
    problems = index.set_index("image_id")["problem"]
    assert problems[ids[1]] != ""
    assert (problems.drop(ids[1]) == "").all()
    assert "0_01.png" in caplog.text


def test_sheets_of_an_earlier_clustering_go(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [2, 2])
    draw_contact_sheets(images, features, ids, clusters, tmp_path / "sheets")
    draw_contact_sheets(images, features, ids, clusters.assign(cluster=0), tmp_path / "sheets")
    assert [p.name for p in (tmp_path / "sheets").iterdir()] == ["cluster000_nearest.jpg"]


def test_clusters_of_unknown_images_are_refused(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [3])
    with pytest.raises(ValueError, match=r"images.csv lacks 1 clustered images"):
        draw_contact_sheets(images[:2], features, ids, clusters, tmp_path / "sheets")


def test_a_strip_gets_a_long_low_cell_of_the_same_area():
    assert cell_size([100], [100], 96) == (96, 96)
    width, height = cell_size([1600], [256], 96)
    assert width / height == pytest.approx(6.25, rel=0.05)
    assert width * height == pytest.approx(96**2, rel=0.05)
    assert cell_size([100_000], [1], 96) == cell_size([800], [100], 96)


def test_images_of_more_bits_are_scaled_as_their_table_says(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [3])
    for path in images["path"]:
        Image.fromarray(np.full((20, 40), 4000, np.uint16)).save(path)
    for full_range, expected in (("4095", 249), ("65535", 16)):
        table = images.assign(full_range=full_range)
        index = draw_contact_sheets(table, features, ids, clusters, tmp_path / "sheets")
        pixels = np.asarray(Image.open(tmp_path / "sheets" / index["file"][0]))
        assert abs(int(np.median(pixels)) - expected) <= 3


def test_the_thinnest_strips_have_a_pixel(tmp_path):
    images, features, ids, clusters = make_run(tmp_path / "images", [3])
    for path, size in zip(images["path"], ((1, 900), (900, 1), (2, 1999)), strict=True):
        Image.new("L", size, 255).save(path)
    index = draw_contact_sheets(images, features, ids, clusters, tmp_path / "sheets")
    assert index["problem"].tolist() == [""] * 3
