import pytest

from nearlabel.images.naming.layouts import find_place, mvtec_columns


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("train/good/000.png", ("", "train", "good", False)),
        ("bottle/test/broken_large/000.png", ("bottle", "test", "broken_large", False)),
        ("1cls/candle/Test/bad/0.JPG", ("1cls/candle", "Test", "bad", False)),
        ("ground_truth/scratch/000_mask.png", ("", "", "scratch", True)),
        ("can/test_public/ground_truth/bad/000_mask.png", ("can", "test_public", "bad", True)),
        ("can/test_private/000.png", ("can", "test_private", "", False)),
        ("validation/good/0.png", ("", "validation", "good", False)),
        ("readme.png", ("", "", "", False)),
    ],
)
def test_places(name, place):
    assert find_place(name) == place


def test_the_category_is_a_column_where_there_are_several(tmp_path):
    assert mvtec_columns(tmp_path / "absent") == ["split"]
    (tmp_path / "bottle/train/good").mkdir(parents=True)
    assert mvtec_columns(tmp_path) == ["split", "category"]
    assert mvtec_columns(tmp_path / "bottle") == ["split"]
