"""Looking at images on the page to label on: zoom, tones, the map, the grid, sizes, themes."""

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from helpers.label_pages import LabelPage, set_size, start_browser, write_page

IDS = [f"{number}.png" for number in range(12)]


def distinct_colours(seen):
    return len(np.unique(seen.reshape(-1, 3), axis=0))


def drawn(seed):
    """The pixels of an image of the queue."""
    return np.random.default_rng(seed).integers(60, 196, (40, 60), dtype=np.uint8)


def fitted_place(seen):
    """Top, left and scale of an image of 60 x 40 that fills a part of the page."""
    height, width = seen.shape[:2]
    scale = min(width / 60, height / 40)
    return (height - 40 * scale) / 2, (width - 60 * scale) / 2, scale


def test_an_image_fills_the_window_without_smoothing(open_page):
    page = open_page(IDS)
    seen = page.see()
    top, left, scale = fitted_place(seen)
    assert page.text("#zoom") == f"{round(scale * 100)} %"
    # The rest of the window has one neutral grey.
    beside = np.ones(seen.shape[:2], dtype=bool)
    beside[max(0, int(top) - 1) : int(top + 40 * scale) + 2, max(0, int(left) - 1) : int(left + 60 * scale) + 2] = False
    rest = seen[beside]
    assert len(np.unique(rest)) == 1 and len(rest) > 1000
    # Every colour that is painted is one of the file's, each pixel a block.
    rows = (top + (np.arange(40) + 0.5) * scale).astype(int)
    columns = (left + (np.arange(60) + 0.5) * scale).astype(int)
    assert np.array_equal(seen[np.ix_(rows, columns)][..., 0], drawn(0))
    assert set(np.unique(seen)) <= set(np.unique(drawn(0))) | set(np.unique(rest))


def test_zoom_and_move_by_key(open_page):
    page = open_page(IDS)
    fitted = page.see()
    page.press("1")
    assert page.text("#zoom") == "100 %"
    actual = page.see()
    height, width = actual.shape[:2]
    top, left = (height - 40) // 2, (width - 60) // 2
    places = [actual[top + y :, left + x :][:40, :60, 0] for y in (0, 1) for x in (0, 1)]
    assert any(np.array_equal(place, drawn(0)) for place in places)
    page.press("0")
    assert np.array_equal(page.see(), fitted)
    page.press("+", "+", "+", "+")
    near = page.see()
    assert not np.array_equal(near, fitted)
    page.hold(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    moved = page.see()
    # An eighth of the window each, right and down.
    down, right = round(height / 8), round(width / 8)
    assert np.abs(moved[: -down - 1, : -right - 1] - near[down:-1, right:-1]).mean() < 8 < np.abs(moved - near).mean()
    assert page.index == 0
    page.press("-", "-", "-", "-", "-", "-")
    assert int(page.text("#zoom")[:-2]) < 1500
    # The next image is seen whole.
    page.press("+", Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert np.array_equal(page.see(), fitted)


@pytest.mark.usefixtures("browser")  # is there one at all
def test_a_pixel_is_a_pixel_on_screens_of_125_percent(tmp_path):
    driver = start_browser(tmp_path / "profile", tmp_path / "downloads", ratio=1.25)
    try:
        page = LabelPage(driver, write_page(tmp_path, IDS), tmp_path / "downloads").open()
        assert page.js("return devicePixelRatio") == 1.25
        page.press("1")
        seen = page.see()
        top, left = (seen.shape[0] - 40) // 2, (seen.shape[1] - 60) // 2
        steps = range(-1, 3)
        places = [seen[top + y :, left + x :][:40, :60, 0] for y in steps for x in steps]
        assert any(np.array_equal(place, drawn(0)) for place in places)
    finally:
        driver.quit()


def test_zoom_and_move_by_mouse(open_page):
    page = open_page(IDS)
    before = page.see()
    stage = page.driver.find_element("id", "stage")
    page.js(
        "const stage = document.querySelector('#stage'), box = stage.getBoundingClientRect();"
        "stage.dispatchEvent(new WheelEvent('wheel', { deltaY: -400, clientX: box.left + box.width / 2, "
        "clientY: box.top + box.height / 2, cancelable: true }))"
    )
    near = page.see()
    assert not np.array_equal(before, near)
    ActionChains(page.driver).move_to_element(stage).click_and_hold().move_by_offset(30, 20).release().perform()
    moved = page.see()
    assert np.array_equal(moved[20:, 30:], near[:-20, :-30])


def test_contrast_and_brightness(open_page):
    page = open_page(IDS)
    plain = page.see()
    page.press("c", "c")
    strong = page.see()
    assert strong.std() > 1.15 * plain.std()
    page.press("r", "C", "C")
    assert page.see().std() < 0.95 * plain.std()
    page.press("r", "b", "b")
    assert page.see().mean() > 1.1 * plain.mean()
    # Kept for the next image, until they are taken back.
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_LEFT, "B", "B", "B")
    assert page.see().mean() < plain.mean()
    page.press("r")
    assert np.array_equal(page.see(), plain)


def test_the_map_lies_over_the_image(open_page):
    values = np.zeros((5, 5))
    values[:, 4] = 1
    page = open_page(IDS, overlays=[values])
    plain = page.see()
    page.press("o")
    covered = page.see()
    top, left, scale = fitted_place(plain)
    inside = slice(int(top) + 2, int(top + 40 * scale) - 2)
    orange = (covered[inside, :, 0] - covered[inside, :, 2]).mean(axis=0)
    # Where the map is high, orange; where it is 0, nothing; in between smooth.
    assert orange[int(left + 58 * scale)] > 100
    nothing = slice(int(left) + 2, int(left + 35 * scale))
    assert np.array_equal(covered[inside, nothing], plain[inside, nothing])
    between = orange[int(left + 40 * scale) : int(left + 54 * scale)]
    assert (np.diff(between) > -2).all() and len(np.unique(between.round())) > 40
    page.press("o")
    assert np.array_equal(page.see(), plain)
    # The next one has no map.
    page.press("o", Keys.ARROW_RIGHT)
    assert distinct_colours(page.see()) <= 197 and not page.driver.find_element("id", "overlayButton").is_enabled()


def test_many_alike_are_answered_in_the_grid(open_page):
    page = open_page(IDS)
    page.press("g")
    assert page.driver.find_element("id", "grid").is_displayed()
    assert not page.driver.find_element("id", "single").is_displayed()
    page.press(Keys.ARROW_RIGHT, " ")
    page.hold(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert "3 images selected" in page.text("#gridHint")
    page.press("k")
    assert page.answered == 3 and page.js("return document.activeElement.dataset.index") == "4"
    # One press of the mouse, another with shift.
    cells = page.driver.find_elements("css selector", "[role=option]")
    cells[6].click()
    ActionChains(page.driver).key_down(Keys.SHIFT).click(cells[9]).key_up(Keys.SHIFT).perform()
    page.press("w")
    answers = {row["image_id"]: row["label"] for row in page.save()}
    assert answers == {name: "scratch" for name in IDS[1:4]} | {name: "pit" for name in IDS[6:10]}
    seconds = [float(row["seconds"]) for row in page.save()]
    assert len(set(seconds[:3])) == 1 and all(0 < value < 10 for value in seconds)
    # Undo takes back all of them.
    page.press("u")
    assert page.answered == 3
    # Everything, and out again.
    page.hold(Keys.CONTROL, "a")
    assert "12 images selected" in page.text("#gridHint")
    page.press(Keys.ESCAPE)
    assert "selected:" not in page.text("#gridHint")
    page.press(Keys.HOME, "s", Keys.ENTER)
    assert page.driver.find_element("id", "single").is_displayed() and page.index == 4
    page.press("u")
    assert page.index == 0 and page.answered == 3


def test_the_grid_shows_pictures(open_page):
    page = open_page(IDS)
    page.press("g")
    page.wait("return [...document.querySelectorAll('[role=option] canvas')].every((canvas) => canvas.width !== 300)")
    assert distinct_colours(page.see("[role=option]:nth-child(3)")) > 50


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (800, 600), (390, 800)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_sizes_and_themes(open_page, browser, width, height, theme):
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    )
    set_size(browser, width, height)
    try:
        page = open_page(["x" * 300, *IDS], overlays=[np.eye(3)])
        for key in ("", "o", "g"):
            page.press(*key)
            assert page.js("return document.documentElement.scrollWidth") <= width
            clipped = page.js(
                "return [...document.querySelectorAll('button')].filter((b) => b.offsetParent && "
                "(b.getBoundingClientRect().right > innerWidth + 1 || b.getBoundingClientRect().left < 0))"
                ".map((b) => b.textContent)"
            )
            assert clipped == []
        page.press("g")
        # The surround has no hue; text has a contrast of at least 4.5 to what is behind it (WCAG 2.2, 1.4.3).
        colour = page.js("return getComputedStyle(document.querySelector('#stage')).backgroundColor")
        assert len(set(colour[4:-1].split(", "))) == 1
        for selector in ("body", "#about p", "#kept", "kbd", ".primary", "#said"):
            assert contrast(*page.js(COLOURS, selector)) >= 4.5, selector
        paper = page.js(COLOURS, "body")[1]
        assert (sum(paper) < 200) == (theme == "dark")
    finally:
        set_size(browser, 1280, 800)
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# Text and the first opaque colour behind it.
COLOURS = """
let at = document.querySelector(arguments[0]);
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const ink = numbers(getComputedStyle(at).color);
for (; at; at = at.parentElement) {
  const paper = numbers(getComputedStyle(at).backgroundColor);
  if (paper.length === 3) return [ink.slice(0, 3), paper];
}
"""


def contrast(ink, paper):
    """Contrast ratio of WCAG 2.2."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in np.array(colour) / 255]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(ink), luminance(paper)))
    return (high + 0.05) / (low + 0.05)


def test_by_keyboard_alone(browser, tmp_path):
    page = LabelPage(browser, write_page(tmp_path, IDS, run="keyboard"), tmp_path / "downloads").open()
    page.press("h")
    assert page.driver.find_element("id", "helpBox").is_displayed()
    page.press("a")
    assert page.answered == 0
    page.press(Keys.ESCAPE)
    # Tab goes over every button that can be used, with a visible ring, and out of the page again.
    usable = page.js(
        "return [...document.querySelectorAll('button')].filter((b) => b.offsetParent && !b.disabled).length"
    )
    reached = []
    for _ in range(usable + 5):
        page.press(Keys.TAB)
        name, ring = page.js(
            "const at = document.activeElement; return [at.tagName === 'BUTTON' ? at.textContent + at.ariaLabel : '', "
            "getComputedStyle(at).outlineStyle]"
        )
        reached.append(name)
        assert not name or ring == "solid"
    assert len({name for name in reached if name}) == usable
    # A button that has the focus is pressed by Enter; keys go on working.
    page.js("document.querySelector('[data-label=scratch]').focus()")
    page.press(Keys.ENTER)
    page.press("a")
    assert page.answered == 2
    assert page.js("return document.querySelector('#said').ariaLive") == "polite"
    assert page.text("#said") == f"{IDS[1]}: good"
