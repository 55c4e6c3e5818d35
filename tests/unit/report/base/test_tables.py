import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nearlabel.report.base.tables import escape_latex, format_number, markdown_table, write_table
from nearlabel.report.base.text import shorten, visible
from nearlabel.report.grouping.tables.clusterings import best_clustering, grouping_table, winning_row

SCORES = pd.DataFrame(
    {
        "algorithm": ["kmeans", "kmeans", "spectral", "spectral"],
        "k": [2, 3, 2, 3],
        "entropy": [0.9, 1.5, 0.8, 1.4],
        "silhouette": [0.4, 0.5, 0.6, math.nan],
        "flags": ["", "", "", "not_converged"],
    }
)
SELECTION = {"encoder": "texture", "algorithm": "spectral", "k": 2, "criterion": "min_max", "excluded": []}


def test_three_twins_with_whole_precision_in_the_csv(tmp_path):
    frame = pd.DataFrame({"name": ["a|b\nc"], "value": [0.12345678901234568], "none": [math.nan]})
    write_table(frame, tmp_path / "tables" / "a.b", "Caption with 50 % & more")
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == ["a.b.csv", "a.b.md", "a.b.tex"]
    read = pd.read_csv(tmp_path / "tables" / "a.b.csv")
    assert read["value"][0] == frame["value"][0]
    assert read["name"][0] == "a|b\nc"
    markdown = (tmp_path / "tables" / "a.b.md").read_text(encoding="utf-8").splitlines()
    assert markdown[0] == "Caption with 50 % & more"
    assert markdown[2:] == ["| name | value | none |", "| :--- | ---: | ---: |", r"| a\|b\\nc | 0.1235 | – |"]
    latex = (tmp_path / "tables" / "a.b.tex").read_text(encoding="utf-8")
    assert r"\caption{Caption with 50 \% \& more}" in latex
    assert r"a\textbar{}b\textbackslash{}nc & 0.1235 & – \\" in latex
    assert r"\begin{tabular}{lrr}" in latex


def test_markup_in_names_does_not_act_in_markdown():
    table = markdown_table(pd.DataFrame({"name": ["<script>*x*`"]}), "")
    assert r"\<script\>\*x\*\`" in table


@settings(deadline=None)
@given(st.text())
def test_every_text_stays_one_cell(text):
    lines = markdown_table(pd.DataFrame({"a": [text], "b": ["x"]}), "caption").splitlines()
    assert len(lines) == 5
    assert lines[4].replace("\\\\", "").replace("\\|", "").count("|") == 3
    assert "\n" not in escape_latex(text)
    visible(text).encode("utf-8")


def test_latex_specials_are_escaped():
    assert escape_latex("a_b%$#&{}~^\\") == (r"a\_b\%\$\#\&\{\}\textasciitilde{}\textasciicircum{}\textbackslash{}")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (np.int64(3), "3"),
        (3.0, "3"),
        (0.5, "0.5000"),
        (0.00012345, "0.0001234"),
        (123.456, "123.5"),
        (math.nan, "–"),
        (None, "–"),
        (pd.NA, "–"),
        (np.True_, "yes"),
        (False, "no"),
        ("x\ty", r"x\ty"),
    ],
)
def test_numbers_as_a_person_reads_them(value, text):
    assert format_number(value) == text


def test_visible_shows_what_cannot_be_seen():
    assert visible("ok äöü 漢字") == "ok äöü 漢字"
    assert [visible(nothing) for nothing in (None, float("nan"), np.nan, "")] == [""] * 4
    assert visible("a\nb\u202ec\udcff\x07") == r"a\nb\u202ec\udcff\x07"
    assert shorten("abcdefghij", 5) == "ab…ij"
    assert shorten("abcde", 5) == "abcde"


def test_best_clustering_leaves_out_the_excluded_and_breaks_ties_by_entropy_then_k():
    assert best_clustering(SCORES)[["algorithm", "k"]].tolist() == ["spectral", 2]
    assert best_clustering(SCORES, ["spectral"])[["algorithm", "k"]].tolist() == ["kmeans", 3]
    assert best_clustering(SCORES, ["spectral", "kmeans"]) is None
    tie = SCORES.assign(silhouette=0.5)
    assert best_clustering(tie)[["algorithm", "k"]].tolist() == ["spectral", 2]
    assert best_clustering(tie.assign(entropy=1.0))["k"] == 2


def test_grouping_table_holds_the_selected_clustering_and_the_best_of_the_others():
    other = {"encoder": "resnet18", "algorithm": "kmeans", "reason": "dominated"}
    selection = SELECTION | {"k": 3, "criterion": "ami", "excluded": [other]}
    table = grouping_table([("tiles", "root", {"texture": SCORES, "resnet18": SCORES}, selection)])
    assert table["encoder"].tolist() == ["texture", "resnet18"]
    assert table["winner"].tolist() == [True, False]
    assert table["k"].tolist() == [3, 2]
    assert table["algorithm"].tolist() == ["spectral", "spectral"]
    assert table["chosen_by"].tolist() == ["ami", "silhouette"]
    assert table["published"].tolist() == ["", ""]


def test_grouping_table_names_an_encoder_without_any_silhouette():
    empty = SCORES.assign(silhouette=math.nan)
    table = grouping_table([("tiles", "root", {"texture": SCORES, "flat": empty}, SELECTION)])
    assert table["encoder"].tolist() == ["texture", "flat"]
    assert pd.isna(table["k"][1])


def test_the_papers_choices_stand_beside_the_levels_of_its_data_only():
    nodes = [("steel", node, {"texture": SCORES}, SELECTION) for node in ("root", "root.1", "root.1.0", "root.1.0.0")]
    table = grouping_table(nodes, {"steel": "severstal"})
    assert table["published"].tolist() == [
        "vgg16, agglomerative, k = 3",
        "spectral, k = 48, of its cluster 1",
        "gaussian_mixture, k = 2, by eye, of its cluster 25",
        "",
    ]


def test_a_selection_of_another_run_is_refused():
    with pytest.raises(ValueError, match="spectral, k = 9, which the scores do not hold"):
        winning_row({"texture": SCORES}, SELECTION | {"k": 9})
    with pytest.raises(ValueError, match="gone"):
        winning_row({"texture": SCORES}, SELECTION | {"encoder": "gone"})
