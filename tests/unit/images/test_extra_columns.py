import pandas as pd
import pytest

from nearlabel.images.extra_columns import read_extra_columns


def spec_of(folder, text):
    (folder / "list.csv").write_text(text, encoding="utf-8")
    return {"kind": "csv", "file": str(folder / "list.csv"), "root": None, "path_column": "file"}


IMAGES = pd.DataFrame({"image_id": ["b/2.png", "a.png", "b/1.png"]})


def test_rows_follow_the_images_and_the_first_row_of_an_image_counts(tmp_path):
    text = f"file,type,shift\nb/../b/1.png,mono,1\n{tmp_path / 'a.png'},poly,\nb/2.png,mono,NA\na.png,other,9\n,x,x\n"
    found = read_extra_columns(IMAGES, spec_of(tmp_path, text), ["shift", "type"])
    assert list(found) == ["image_id", "shift", "type"]
    assert found.to_numpy().tolist() == [["b/2.png", "NA", "mono"], ["a.png", "", "poly"], ["b/1.png", "1", "mono"]]


def test_an_image_that_the_table_does_not_name_has_none(tmp_path):
    found = read_extra_columns(IMAGES, spec_of(tmp_path, "file,type\na.png,poly\n"), ["type"])
    assert found["type"].tolist() == ["", "poly", ""]


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(ValueError, match="no column 'machine'; it has 'file', 'type'"):
        read_extra_columns(IMAGES, spec_of(tmp_path, "file,type\na.png,poly\n"), ["machine"])
