"""The explorer: what it saves is what the workflow reads; what it keeps; its policy; names that mean harm."""

import re
from dataclasses import replace

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from helpers.explorer_data import category, cell_of, make_data, make_node
from helpers.explorer_pages import read_rows
from helpers.label_pages import INTRUSIONS, messages, requests
from nearlabel.grouping.tree.names import read_names
from nearlabel.images.label_list import read_near_labels
from nearlabel.labelling.answers.reading import read_answers
from nearlabel.report.explorer.writing import write_explorer

HOSTILE = [
    "<script>window.harm = 1</script>.png",
    '"><img src=x onerror="window.harm = 1">.png',
    "two\nlines\r.png",
    "\u202egnp.\u05d0\u05d1.png",
    "\U0001f525, 'quoted' \"twice\".png",
    "x" * 300 + ".png",
    "=1+1;a,b\tc.png",
    "</script><!--.png",
]


@pytest.fixture
def data(tmp_path, request):
    # The browser keeps what is given; a run's name of its own gives each test its own.
    return make_data(tmp_path, run=request.node.name)


def test_labels_are_saved_as_the_workflow_reads_them(open_explorer, data):
    page = open_explorer(replace(data, labels=("good", "pit, <deep>"), labels_folder="answers/plant"))
    page.click("[aria-label='Select cluster 0']")
    page.choose("#labelChoice", "pit, <deep>")
    page.click("#labelGive")
    page.click("[aria-label='Select cluster 1']")
    page.click("[aria-label='Select cluster 0']")
    page.choose("#labelChoice", "good")
    page.click("#labelGive")
    page.click("[aria-label='Select cluster 1']")
    page.choose("#labelChoice", "pit, <deep>")
    page.click("#labelGive")
    page.press("s")
    assert "answers/plant" in page.text("#saving") and "snakemake --cores all next_batch" in page.text("#saving")
    page.js("document.getElementById('annotator').value = arguments[0]", 'Ada "L."')
    file = page.save("label")
    assert re.fullmatch(r"labels-Ada_L-\d{8}T\d{9}Z\.csv", file.name)
    clusters = data.nodes[0].columns[0].values
    wanted = {name: ("good", "pit, <deep>")[c] for name, c in zip(data.image_ids, clusters, strict=True) if c < 2}
    assert {row["image_id"]: row["label"] for row in read_rows(file)} == wanted
    answers = read_answers([file], data.image_ids, ["good", "pit, <deep>"])
    assert len(answers.problems) == 0 and len(answers.table) == len(wanted)
    assert set(answers.table["annotator"]) == {'Ada "L."'} and set(answers.table["state"]) == {"current"}
    assert dict(zip(answers.table["image_id"], answers.table["label"], strict=True)) == wanted
    assert answers.table["seconds"].isna().all()


def test_near_labels_are_saved_for_all_images(open_explorer, data):
    page = open_explorer(data)
    page.click("[aria-label='Select cluster 1']")
    page.driver.find_element("id", "labelText").send_keys(" scratch; long ", Keys.ENTER)
    page.press(Keys.ESCAPE)
    page.click("[data-action=saving]")
    assert "near_labels: near_labels-plant.csv" in page.text("#saving")
    file = page.save("near_label")
    assert file.name == "near_labels-plant.csv"
    near, clusters = data.columns[0].values, data.nodes[0].columns[0].values
    wanted = {name: "scratch; long" if c == 1 else ("good", "defect")[v]
              for name, v, c in zip(data.image_ids, near, clusters, strict=True) if c == 1 or v >= 0}  # fmt: skip
    assert read_near_labels(file) == wanted == {r["image_id"]: r["near_label"] for r in read_rows(file)}


def test_names_of_groups_are_saved_with_those_that_there_are(open_explorer, data):
    names = {"root.0": "smooth", "root.2": 'the "old"', "root.1.1": "kept"}
    page = open_explorer(replace(data, names=names, names_file="plant/names.csv"))
    page.click("[aria-label='Select cluster 1']")
    # The group that the selection is, first.
    assert page.js("return document.getElementById('nameGroup').value") == "root.1"
    assert "overlap 1.00" in page.text("#nameGroup option")
    page.driver.find_element("id", "nameText").send_keys("scratched, \u05d0", Keys.ENTER)
    assert "scratched" in page.text("#legend")
    page.click("[aria-label='Select cluster 2']")
    field = page.driver.find_element("id", "nameText")
    assert field.get_attribute("value") == 'the "old"'
    field.clear()
    field.send_keys("new", Keys.ENTER)
    page.click("[data-action=saving]")
    assert "plant/names.csv" in page.text("#saving") and "snakemake --cores all report" in page.text("#saving")
    file = page.save("name")
    wanted = {"root.0": "smooth", "root.1": "scratched, \u05d0", "root.1.1": "kept", "root.2": "new"}
    assert file.name == "names.csv" and read_names(file) == wanted
    assert [row["node"] for row in read_rows(file)] == ["root.0", "root.1", "root.1.1", "root.2"]


def test_without_a_file_of_names_the_page_has_the_lines_to_copy(open_explorer, data):
    page = open_explorer(data)
    page.click("[aria-label='Select cluster 1']")
    page.driver.find_element("id", "nameText").send_keys("pits", Keys.ENTER)
    page.click("[data-action=saving]")
    assert "grouping:\n  names:\n    plant: names.csv" in page.text("#saving")
    assert read_names(page.save("name")) == {"root.1": "pits"}


def test_what_is_given_is_kept_and_can_be_taken_back(open_explorer, data):
    page = open_explorer(data)
    page.press("a")
    page.driver.find_element("id", "labelText").send_keys("pit", Keys.ENTER)
    page.driver.find_element("id", "nameText").send_keys("all", Keys.ENTER)
    assert page.js("return document.body.dataset.changes") == "2"
    # It can be seen on the map, and what has none yet be looked for.
    page.choose("#colorBy", "given")
    assert page.text("#legend") == "pit60onlyselect"
    page.click("[data-category='0']")
    assert page.shown == 0
    page.open()
    assert "2 changes restored" in page.said and page.js("return document.body.dataset.unsaved") == "2"
    page.press("s")
    page.click("#savingParts section:first-child li button")
    assert page.js("return document.body.dataset.changes") == "1"
    names = read_names(page.save("name"))
    assert page.js("return document.body.dataset.unsaved") == "0" and "saved in names.csv" in page.text("#saving")
    page.open()
    assert page.js("return document.body.dataset.changes") == "1"
    # What the workflow has read since is the page's own.
    assert open_explorer(replace(data, names=names)).js("return document.body.dataset.changes") == "0"
    # Other clusters are other groups: nothing of it is theirs.
    other = replace(data, nodes=(make_node("root", np.arange(60), 4, 9),))
    assert open_explorer(other).js("return document.body.dataset.changes") == "0"


def test_where_nothing_can_be_kept_the_page_says_so(browser, open_explorer, data):
    broken = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": broken})
    try:
        page = open_explorer(data)
        page.press("a")
        page.driver.find_element("id", "labelText").send_keys("pit", Keys.ENTER)
        assert page.driver.find_element("id", "unkept").is_displayed()
        page.click("[data-action=saving]")
        assert len(read_near_labels(page.save("near_label"))) == 60
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_hostile_names_are_text_everywhere(open_explorer, tmp_path, request):
    groups = [*HOSTILE]
    values = np.arange(len(HOSTILE))
    node = make_node("root", values, len(HOSTILE), title="<b>title</b>")
    node = replace(node, columns=(category("cluster", values, groups, "<i>cluster</i>"),), neighbors=node.neighbors)
    data = make_data(
        tmp_path,
        ids=HOSTILE,
        run=f"<b>{request.node.name}</b>",
        dataset="</title><script>window.harm = 1</script>",
        nodes=(node,),
        columns=(category("near_label", values, HOSTILE, "<img src=x onerror='window.harm = 1'>"),),
        names={"root.0": HOSTILE[0]},
        labels_folder="<b>x</b>",
    )
    page = open_explorer(data)
    page.press("a", "t")
    for row, place in enumerate(page.places(data)):
        found = page.hover(*place)
        assert found >= 0 and page.text("#cardName").isprintable(), row
    page.driver.find_element("id", "labelText").send_keys("<b>", Keys.ENTER)
    page.js("document.querySelector('#grid .cell').click()")
    assert page.text("#imageName") == HOSTILE[0]
    page.press(Keys.ESCAPE)
    page.click("[data-action=saving]")
    assert read_near_labels(page.save("near_label")) == dict.fromkeys(HOSTILE, "<b>")
    page.press(Keys.ESCAPE)
    page.js("document.getElementById('nameText').value = arguments[0]", HOSTILE[1])
    page.js("document.getElementById('nameForm').requestSubmit()")
    page.click("[data-action=saving]")
    names = {row["node"]: row["name"] for row in read_rows(page.save("name"))}
    assert names["root.0"] == HOSTILE[1]
    assert page.js("return window.harm ?? document.querySelectorAll('img, b:not([id]), i:not([class])').length") in (
        0,
        8,
    )
    assert page.js("return window.harm ?? null") is None
    assert page.js("return document.querySelectorAll('img, main script').length") == 0


def test_the_file_holds_one_script_under_a_policy(open_explorer, data, browser):
    page = open_explorer(data)
    text = page.path.read_text(encoding="utf-8")
    assert re.search(
        "content=\"default-src 'none'; img-src data: blob:; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; "
        "base-uri 'none'; form-action 'none'\"",
        text,
    )
    assert not re.search(r"\beval\b|new Function|\.innerHTML|\bfetch\(|XMLHttpRequest|import\(", text)
    assert not re.search(r"<[a-z]+[^>]*\s(on[a-z]+|style)=", text.split("<script")[0])
    assert page.js("return document.querySelectorAll('script:not([type])').length") == 1
    assert text.count("<style") == 1 and page.js("return document.querySelectorAll('[style*=url]').length") == 0
    for name, code in INTRUSIONS.items():
        assert browser.execute_async_script(f"const done = arguments[0]; {code}") == "refused", name
    assert messages(browser)
    requests(browser)


def test_the_same_data_gives_the_same_bytes(tmp_path, data):
    first, second = tmp_path / "1/explorer.html", tmp_path / "2/explorer.html"
    write_explorer(first, data)
    write_explorer(second, data)
    assert first.read_bytes() == second.read_bytes()


def test_sheets_beside_the_page(open_explorer, data, tmp_path, browser):
    """Where they are too much for one file; their pixels cannot be read there, so they are looked at."""
    page = open_explorer(data, budget=100_000)
    text = page.path.read_text(encoding="utf-8")
    assert '<script type="image/webp"' not in text and "img-src data: blob: 'self' file:;" in text
    assert "files beside this page" in page.text("#thumbnailNote")
    places = page.places(data)
    for row in (0, 17, 59):
        found = page.hover(*places[row])
        page.js(
            "const { style } = document.getElementById('cardPicture');"
            "style.imageRendering = 'pixelated'; style.borderRadius = 0"
        )
        seen = page.see("#cardPicture")[4::8, 4::8]
        np.testing.assert_array_equal(seen, cell_of(data.thumbnails, found))
    asked = {address for address in requests(browser) if address != page.path.as_uri()}
    assert asked and asked <= {file.as_uri() for file in data.thumbnails.files}
