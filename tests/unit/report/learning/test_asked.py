"""What a strategy asked for: which thumbnails, where on the sheet, what is said of them, maps laid over."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nearlabel.files import write_csv, write_json
from nearlabel.learning.simulation.query_maps import QueryMaps
from nearlabel.report.learning.asked_sheet import MOST_ROUNDS, draw_asked, map_cover, pick_rounds
from nearlabel.report.learning.asked_view import read_asked, view_asked
from nearlabel.run_files import ASKED_INDEX, ASKED_SHEET, KNEES, below

POSITIVE = "bad"


def colour(number):
    return (20 + 4 * number, 128, 235 - 4 * number)


@pytest.fixture
def listed(tmp_path):
    """Fifty images of one colour each, 40 × 20; those whose number is a multiple of three are defective."""
    rows = []
    for number in range(50):
        path = tmp_path / f"{number:02}.png"
        Image.new("RGB", (40, 20), colour(number)).save(path)
        rows.append({"image_id": path.name, "path": str(path), "width": "40", "height": "20", "mode": "RGB"})
    images = pd.DataFrame(rows).assign(full_range="")
    return images, {row["image_id"]: "good" if int(row["image_id"][:2]) % 3 else POSITIVE for row in rows}


def ask(sizes):
    """Batches of images in their order."""
    rounds = [number for number, size in enumerate(sizes) for _ in range(size)]
    ids = [f"{number:02}.png" for number in range(len(rounds))]
    return pd.DataFrame({"round": rounds, "image_id": ids, "score": [np.nan if r == 0 else 0.5 for r in rounds]})


def some_maps(queries, value=255):
    chosen = queries[queries["round"] > 0]
    maps = np.full((len(chosen), 7, 9), value, np.uint8)
    return QueryMaps(maps, chosen["round"].to_numpy(), chosen["image_id"].to_numpy())


def pixel(sheet, row):
    return np.array(sheet.getpixel((int(row.x + row.width // 2), int(row.y + row.height // 2))), dtype=int)


def test_each_thumbnail_lies_where_the_index_says(listed, tmp_path):
    images, labels = listed
    index = draw_asked(ask([6, 20, 4]), images, labels, POSITIVE, tmp_path / "asked.webp")
    sheet = Image.open(tmp_path / "asked.webp").convert("RGB")
    # A round of more than sixteen shows the first sixteen; all its defects are counted.
    assert index.groupby("round").size().tolist() == [6, 16, 4]
    assert index.groupby("round")["batch"].first().tolist() == [6, 20, 4]
    assert index.groupby("round")["defects"].first().tolist() == [2, 7, 1]
    # Cells have the images' own shape, twice as wide as high.
    assert sheet.size == (16 * 91, 3 * 45)
    for row in index.itertuples():
        assert np.abs(pixel(sheet, row) - colour(int(row.image_id[:2]))).max() < 12, row
        assert row.defective == (int(row.image_id[:2]) % 3 == 0)
    assert index.loc[index["round"] == 0, "score"].isna().all()


def test_maps_are_laid_over_the_first_the_knees_and_the_last_round(listed, tmp_path):
    images, labels = listed
    queries = ask([4, 4, 4, 4])
    drawn = {}
    for value in (0, 255):
        file = tmp_path / f"{value}.webp"
        index = draw_asked(queries, images, labels, POSITIVE, file, knee=2, maps=some_maps(queries, value))
        drawn[value] = Image.open(file).convert("RGB")
    of_maps = index[index["kind"] == "map"]
    assert of_maps["round"].unique().tolist() == [1, 2, 3]
    for row in of_maps.itertuples():
        plain = colour(int(row.image_id[:2]))
        # Nothing is laid over where a map is 0; where it is 1, all has the brightest colour at its strongest.
        assert np.abs(pixel(drawn[0], row) - plain).max() < 12
        assert np.abs(pixel(drawn[255], row) - plain).max() > 40
    without = draw_asked(queries, images, labels, POSITIVE, tmp_path / "x.webp", knee=2, maps=None)
    assert set(without["kind"]) == {"image"}


def test_an_image_that_cannot_be_read_leaves_an_empty_cell_and_its_reason(listed, tmp_path, caplog):
    images, labels = listed
    (tmp_path / "01.png").write_bytes(b"gone")
    index = draw_asked(ask([3]), images, labels, POSITIVE, tmp_path / "asked.webp")
    assert (index["problem"] != "").tolist() == [False, True, False]
    assert "no thumbnail of" in caplog.text
    with pytest.raises(ValueError, match=r"image '02\.png' was asked for but is not listed"):
        draw_asked(ask([3]), images[:2], labels, POSITIVE, tmp_path / "asked.webp")


def test_same_bytes(listed, tmp_path):
    images, labels = listed
    for name in ("one", "two"):
        draw_asked(ask([4, 4]), images, labels, POSITIVE, tmp_path / name, maps=some_maps(ask([4, 4])))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_of_many_rounds_the_first_the_knee_and_the_last_are_shown():
    assert pick_rounds(3) == [0, 1, 2, 3]
    many = pick_rounds(1000, knee=417)
    assert many[:13] == list(range(13)) and many[-1] == 1000 and 417 in many
    assert MOST_ROUNDS <= len(many) <= MOST_ROUNDS + 1


def test_what_a_map_covers_of_an_image():
    assert map_cover({"geometry": "squash", "size": [64, 96], "resize": None}) == 1
    assert map_cover({"geometry": "official", "size": 224, "resize": 256}) == 0.875


def show(listed, folder, sizes, knee=None, maps=True):
    images, labels = listed
    queries, place = ask(sizes), {"dataset": "tiles", "strategy": "own"}
    sheet, index = below(folder, ASKED_SHEET, **place), below(folder, ASKED_INDEX, **place)
    sheet.parent.mkdir(parents=True)
    found = some_maps(queries) if maps else None
    write_csv(index, draw_asked(queries, images, labels, POSITIVE, sheet, knee=knee, maps=found))
    known = knee and {"round": knee, "n_labelled": 1, "val_auc": 0.5, "test_auc": 0.5}
    write_json(below(folder, KNEES, **place, fold=0), {"knee": known, "best": None, "best_until_knee": None})
    [shown] = view_asked(folder, "tiles", ["own"])
    return shown


def test_the_page_gets_rounds_a_sheet_and_what_is_said_of_each_image(listed, tmp_path):
    shown = show(listed, tmp_path, [5, 5, 5, 5, 5, 5, 5, 3], knee=2)
    assert shown["sheet"].startswith("data:image/webp;base64,")
    assert [row["round"] for row in shown["open"]] == [0, 1, 2, 3, 4, 5]
    assert [row["round"] for row in shown["folded"]] == [6, 7] and shown["skipped"] == 0
    assert [row["short"] for row in shown["folded"]] == [False, True]
    assert shown["early"] == {"defects": 8, "images": 25}
    assert shown["open"][0]["cells"][0]["title"] == "00.png, defective"
    assert shown["open"][1]["cells"][0]["title"] == "05.png, good, score 0.5"
    assert [(row["round"], row["when"]) for row in shown["maps"]] == [(1, "first"), (2, "knee"), (7, "last")]
    with Image.open(below(tmp_path, ASKED_SHEET, dataset="tiles", strategy="own")) as sheet:
        assert sheet.size == (shown["width"], shown["height"])


@pytest.mark.parametrize(
    ("sizes", "knee", "expected"),
    [
        ([4, 4], None, ["first and last"]),
        ([4, 4, 4], 1, ["first and knee", "last"]),
        ([4, 4, 4], 2, ["first", "last and knee"]),
    ],
)
def test_rounds_that_are_two_things_are_shown_once(listed, tmp_path, sizes, knee, expected):
    assert [row["when"] for row in show(listed, tmp_path, sizes, knee)["maps"]] == expected


def test_a_strategy_without_maps_has_none_to_show(listed, tmp_path):
    assert show(listed, tmp_path, [4, 4], maps=False)["maps"] == []


def test_damage_is_named(listed, tmp_path):
    show(listed, tmp_path, [4, 4])
    file = below(tmp_path, ASKED_INDEX, dataset="tiles", strategy="own")
    file.write_text(file.read_text(encoding="utf-8").replace("True", "perhaps"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"asked\.csv: a cell is not what it should be"):
        read_asked(file)
