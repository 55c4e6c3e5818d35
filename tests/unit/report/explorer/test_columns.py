"""Columns of the explorer: categories with their colours, numbers, what a user's table says."""

import numpy as np
import pandas as pd
import pytest

from nearlabel.report.explorer.columns import MOST_CATEGORIES, align, category_column, number_column, text_column


def test_categories_are_sorted_and_what_is_not_known_is_none():
    column = category_column("k", "t", ["b", "", "a", "b"], colors={"b": "#010203"}, note="n")
    assert column.names == ("a", "b") and column.values.tolist() == [1, -1, 0, 1] and column.values.dtype == np.int32
    assert column.colors[1] == "#010203" and column.colors[0].startswith("#")
    assert (column.key, column.title, column.note) == ("k", "t", "n")


def test_given_names_keep_their_order_and_may_be_empty():
    column = category_column("k", "t", ["y", "x"], names=("y", "z", "x"))
    assert column.names == ("y", "z", "x") and column.values.tolist() == [0, 2]
    assert len(set(column.colors)) == 3


def test_of_many_categories_the_most_frequent_are_shown():
    values = [f"{i:03d}" for i in range(100)] + ["080", "090"]
    column = category_column("k", "t", values)
    assert len(column.names) == MOST_CATEGORIES and column.names[-1] == "others"
    assert {"080", "090", "000"} <= set(column.names) and "099" not in column.names
    assert column.values[99] == MOST_CATEGORIES - 1 and (column.values >= 0).all()
    assert column.colors[-1] == "#8a8a8a"


def test_a_category_that_is_called_others_stays_itself():
    column = category_column("k", "t", [f"{i:03d}" for i in range(100)] + ["others", "others"])
    assert column.names.count("others") == 1 and len(set(column.names)) == MOST_CATEGORIES
    assert column.names[column.values[-1]] == "others" != column.names[column.values[99]]


def test_a_table_has_numbers_where_all_are_and_many_differ():
    numbers = text_column("k", "t", [str(i / 2) for i in range(20)] + [""])
    assert numbers.names is None and numbers.values[3] == 1.5 and np.isnan(numbers.values[-1])
    assert text_column("k", "t", [*map(str, range(20)), "x"]).names is not None
    assert text_column("k", "t", ["1", "2", "1"]).names == ("1", "2")
    assert text_column("k", "t", ["", ""]).names == ()
    assert text_column("k", "t", [*map(str, range(20)), "inf"]).names is not None


def test_numbers_are_single_precision():
    assert number_column("k", "t", [1, np.nan]).values.dtype == np.float32


def test_a_table_is_brought_into_the_images_order():
    table = pd.DataFrame({"image_id": ["b", "a", "x"], "v": ["1", "2", "3"]})
    assert align(["a", "c", "b"], table, "v", "").tolist() == ["2", "", "1"]
    with pytest.raises(ValueError, match="has the image 'a' twice"):
        align(["a"], pd.DataFrame({"image_id": ["a", "a"], "v": ["1", "2"]}), "v", "")
