"""Curves and thumbnails of active learning in a browser: pointed at, by keyboard, narrow; nothing is asked for."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from helpers.label_pages import messages, requests, set_size
from helpers.learning_runs import make_rounds, make_runs
from nearlabel.files import write_csv, write_json
from nearlabel.report.learning.asked_sheet import draw_asked
from nearlabel.report.learning.asked_view import view_asked
from nearlabel.report.page import write_page
from nearlabel.run_files import ASKED_INDEX, ASKED_SHEET, KNEES, below

TEST = [0.5, 0.6, 0.7, 0.75, 0.8, 0.82, 0.84, 0.85, 0.85, 0.86]
NAMES = ("random", "own")


def colour(number):
    return (10 + 6 * number, 128, 245 - 6 * number)


def draw(folder):
    """What two strategies asked for: forty images of one colour each, ten a round."""
    rows = []
    for number in range(40):
        path = folder / f"{number:02}.png"
        Image.new("RGB", (40, 20), colour(number)).save(path)
        rows.append({"image_id": path.name, "path": str(path), "width": "40", "height": "20", "mode": "RGB"})
    images = pd.DataFrame(rows).assign(full_range="")
    labels = {row["image_id"]: "bad" if number % 3 == 0 else "good" for number, row in enumerate(rows)}
    for strategy, order in zip(NAMES, (range(40), range(39, -1, -1)), strict=True):
        place = {"dataset": "tiles", "strategy": strategy}
        queries = pd.DataFrame({"round": np.repeat(range(4), 10), "image_id": [f"{i:02}.png" for i in order]})
        sheet = below(folder, ASKED_SHEET, **place)
        sheet.parent.mkdir(parents=True)
        write_csv(
            below(folder, ASKED_INDEX, **place), draw_asked(queries.assign(score=0.5), images, labels, "bad", sheet)
        )
        write_json(below(folder, KNEES, **place, fold=0), {"knee": None, "best": None, "best_until_knee": None})
    return {"tiles": view_asked(folder, "tiles", NAMES)}


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learning")
    rounds = {s: [make_rounds(np.subtract(TEST, fold / 50)) for fold in range(3)] for s in NAMES}
    figure = folder / "strategies.svg"
    figure.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    write_page(
        folder / "index.html",
        run="r", config="", versions={}, machine={}, stages=pd.DataFrame(), datasets=[],
        learning=[make_runs(rounds, figures={"strategies": figure})], asked=draw(folder),
    )  # fmt: skip
    messages(browser), requests(browser)
    browser.get((folder / "index.html").as_uri())
    yield browser
    assert messages(browser) == []
    assert set(requests(browser)) == {(folder / "index.html").as_uri()}


def said(browser):
    """What stands above the first panel."""
    texts = browser.find_elements(By.CSS_SELECTOR, ".panel:first-child .said")
    return [text.text for text in texts if text.value_of_css_property("visibility") == "visible"]


def width_of_line(browser, fold):
    line = browser.find_elements(By.CSS_SELECTOR, ".panel:first-child .fold")[fold]
    return line.find_element(By.CSS_SELECTOR, ".line").value_of_css_property(
        "stroke-width"
    ), line.value_of_css_property("opacity")


def test_a_fold_that_is_pointed_at_stands_out_and_says_its_numbers(page):
    summary = "Best 0.840 at 100 (means), a knee in 3 of 3 folds"
    assert said(page) == [summary]
    number = page.find_elements(By.CSS_SELECTOR, ".panel:first-child .fold .number")[1]
    ActionChains(page).move_to_element(number).perform()
    assert said(page) == ["Fold 1: best 0.840 at 100, knee 0.780 at 50"]
    assert width_of_line(page, 1) == ("2.6px", "1") and width_of_line(page, 0) == ("1px", "0.16")
    ActionChains(page).move_to_element(page.find_element(By.TAG_NAME, "h1")).perform()
    assert said(page) == [summary] and width_of_line(page, 1) == ("1px", "1")


def test_the_tab_key_goes_from_fold_to_fold_and_can_skip_them(page):
    skip = page.find_element(By.CSS_SELECTOR, ".skip a")
    page.execute_script("arguments[0].focus()", skip)
    assert skip.rect["x"] >= 0 and skip.text == "Skip the curves of 6 folds"
    keys = ActionChains(page)
    for fold, best in enumerate(("0.860", "0.840", "0.820")):
        keys.send_keys(Keys.TAB).perform()
        assert said(page)[0].startswith(f"Fold {fold}: best {best}")
        assert width_of_line(page, fold)[0] == "2.6px"
    page.execute_script("arguments[0].focus()", skip)
    keys.send_keys(Keys.ENTER).perform()
    assert page.current_url.endswith("-numbers")


def test_each_thumbnail_shows_its_own_image(page):
    page.execute_script("document.querySelectorAll('.asked').forEach(d => d.open = true)")
    cells = page.find_elements(By.CSS_SELECTOR, ".asked-cells .asked-cell")
    assert len(cells) == 80
    for place in np.random.default_rng(0).choice(80, 12, replace=False):
        cell = cells[place]
        title = cell.find_element(By.TAG_NAME, "title").get_attribute("textContent")
        number = int(title[:2])
        assert ("defective" in title) == (number % 3 == 0) == ("defective" in cell.get_attribute("class"))
        assert len(cell.find_elements(By.CSS_SELECTOR, ".flag")) == (number % 3 == 0)
        page.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", cell)
        png = base64.b64decode(page.get_screenshot_as_base64())
        box = page.execute_script(
            "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]", cell
        )
        assert np.abs(np.array(pixel(png, box)) - colour(number)).max() < 14, title


def pixel(png, place):
    with Image.open(io.BytesIO(png)) as shot:
        return shot.convert("RGB").getpixel(tuple(map(int, place)))


@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_hangs_out_and_text_in_figures_can_be_read(page, width):
    set_size(page, width, 800)
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        scales = page.execute_script(
            "return [...document.querySelectorAll('svg.curves')].map(s => s.getBoundingClientRect().width / 340)"
        )
        # The smallest text has 11.5 units, a panel 340 of them.
        assert scales and min(scales) * 11.5 >= 9.7 and min(scales) * 12 >= 10
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
