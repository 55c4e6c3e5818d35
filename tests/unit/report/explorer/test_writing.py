"""The explorer's file: what goes into it, and what is refused."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from helpers.explorer_data import category, make_data, make_node
from nearlabel.report.explorer.writing import clusters_key, explorer_key, write_explorer


@pytest.fixture
def data(tmp_path):
    return make_data(tmp_path, 20)


def read_content(path):
    text = path.read_text(encoding="utf-8")
    return text, json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', text, re.S)[1])


def test_sheets_lie_in_the_file_up_to_the_budget_and_beside_it_beyond(data, tmp_path):
    path = tmp_path / "a b/explorer.html"
    write_explorer(path, data)
    text, content = read_content(path)
    assert text.count("data-sheet>") == len(data.thumbnails.files) and content["thumbnails"]["addresses"] is None
    size = path.stat().st_size
    write_explorer(path, data, budget=size - 20_000)
    text, content = read_content(path)
    assert content["thumbnails"]["addresses"] == [f"../sheets/{i}.webp" for i in range(len(data.thumbnails.files))]
    assert path.stat().st_size < size
    # What is allowed is also kept to.
    for budget in range(size - 20_000, size + 20_000, 2000):
        write_explorer(path, data, budget=budget)
        assert path.stat().st_size <= budget or "data-sheet>" not in path.read_text(encoding="utf-8")


def test_addresses_of_sheets_are_safe(data, tmp_path):
    folder = tmp_path / "x y#1"
    data.thumbnails.files[0].parent.rename(folder)
    moved = replace(data.thumbnails, files=tuple(folder / file.name for file in data.thumbnails.files))
    write_explorer(tmp_path / "page/explorer.html", replace(data, thumbnails=moved), budget=0)
    _, content = read_content(tmp_path / "page/explorer.html")
    assert content["thumbnails"]["addresses"][0] == "../x%20y%231/0.webp"


def test_files_that_are_a_folder_and_the_id_are_written_as_such(data, tmp_path):
    write_explorer(tmp_path / "e.html", data)
    assert read_content(tmp_path / "e.html")[1]["files"] == {"prefix": "../../images/"}
    write_explorer(tmp_path / "e.html", replace(data, files=("/x.png", *data.files[1:])))
    assert set(read_content(tmp_path / "e.html")[1]["files"]) == {"texts"}


def test_the_link_to_the_report_is_an_attribute(data, tmp_path):
    write_explorer(tmp_path / "e.html", data, page='../a"><script>.html')
    assert 'href="../a&#34;&gt;&lt;script&gt;.html"' in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_what_was_given_belongs_to_these_images_and_names_to_these_clusters(data):
    key = explorer_key(data)
    assert key == explorer_key(replace(data, names={"root.0": "a"}, labels=("a",), nodes=data.nodes[:1]))
    others = (
        replace(data, run="other"),
        replace(data, dataset="other"),
        replace(data, image_ids=data.image_ids[::-1]),
    )
    assert len({key, *map(explorer_key, others)}) == 4
    [root, other] = data.nodes
    assert clusters_key(root) == clusters_key(replace(root, title="a", columns=root.columns[:1]))
    changed = (other, make_node("root", np.arange(20), 4, 3), replace(root, members=root.members[::-1]))
    assert len({clusters_key(root), *map(clusters_key, changed)}) == 4


def change_node(data, **changes):
    return replace(data, nodes=(replace(data.nodes[0], **changes), *data.nodes[1:]))


def column(**changes):
    return (replace(category("kind", np.zeros(20), ["a", "b"]), **changes),)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: replace(d, image_ids=(d.image_ids[0],) * 20), "same id"),
        (lambda d: replace(d, files=d.files[1:]), "20 images have 19 files"),
        (lambda d: replace(d, nodes=()), "no node"),
        (lambda d: replace(d, thumbnails=replace(d.thumbnails, files=d.thumbnails.files[:1])), "do not hold 20"),
        (lambda d: replace(d, columns=column(values=np.zeros(19, dtype=np.int32))), "values for 20 images"),
        (lambda d: replace(d, columns=column(values=np.full(20, 2))), "none of its 2 categories"),
        (lambda d: replace(d, columns=column(colors=("#fff", "red"))), "needs a colour"),
        (lambda d: replace(d, columns=column(colors=("#ffffff",))), "needs a colour"),
        (lambda d: replace(d, columns=column(key="cluster")), "two columns have the same key"),
        (lambda d: change_node(d, members=np.zeros(20, dtype=np.int32)), "members must be positions"),
        (lambda d: change_node(d, members=np.arange(1, 21)), "members must be positions"),
        (lambda d: change_node(d, maps=()), "0 maps"),
        (lambda d: change_node(d, neighbors=np.full((20, 2), 20)), "neighbors must be positions"),
        (lambda d: change_node(d, neighbors=np.zeros((19, 2), dtype=int)), "neighbors must be positions"),
        (lambda d: change_node(d, prototypes=np.array([20])), "prototypes must be positions"),
        (lambda d: change_node(d, maps=(replace(d.nodes[0].maps[0], points=np.zeros((3, 2))),)), "the shape"),
        (lambda d: change_node(d, maps=(replace(d.nodes[0].maps[0], points=np.full((20, 2), np.nan)),)), "not finite"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(data, tmp_path, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_explorer(tmp_path / "e.html", change(data))
    assert not (tmp_path / "e.html").exists()


def test_a_missing_sheet_is_named(data, tmp_path):
    data.thumbnails.files[1].unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.webp is not there"):
        write_explorer(tmp_path / "e.html", data)
