from urllib.parse import unquote

import pytest

from nearlabel.report.base.links import link_to


def test_a_relative_path_is_named_from_the_page():
    assert link_to("results/a/steel/1.png", "results/a/report") == "./../steel/1.png"
    assert link_to("data/x.png", "results/a/report") == "./../../../data/x.png"


def test_an_absolute_path_stays_absolute():
    assert link_to("/data/a b.png", "results/a/report") == "file:///data/a%20b.png"


@pytest.mark.parametrize("name", ["javascript:alert(1)", "a?b#c%20", "q\"'<>.png", "ü 漢\n.png", "\udcff.png"])
def test_no_name_is_anything_but_a_name(name):
    link = link_to(name, ".")
    assert link.startswith("./") and not set(link) & set("?#\"'<>\n ") and ":" not in link
    assert unquote(link, errors="surrogateescape") == f"./{name}"
