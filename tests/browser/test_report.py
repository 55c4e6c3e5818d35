"""The report in a browser: nothing is asked for, nothing overflows, the keyboard reaches everything."""

import itertools

import pytest

from helpers.label_pages import messages, requests, set_size, wait_for
from helpers.report_pages import HOSTILE, make_run, read_page

pytest.importorskip("selenium")
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("report") / "demo")
    warned = {f"{HOSTILE[0]} looks odd": ["check_images/tiles"]}
    read_page(run, warnings=warned, explorers={"tiles": "explorer/tiles.html"})
    return run / "report/index.html"


@pytest.fixture
def report(browser, page):
    messages(browser), requests(browser)
    set_size(browser, 1280, 900)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    browser.get(page.as_uri())
    yield browser
    assert messages(browser) == []
    assert set(requests(browser)) <= {page.as_uri()}


def test_it_opens_without_a_request_or_a_complaint(report):
    assert report.execute_script("return document.querySelectorAll('img').length") > 5
    assert report.execute_script("return [...document.images].every((image) => image.complete && image.naturalWidth)")
    assert report.execute_script("return document.querySelectorAll('script').length") == 1
    assert not report.execute_script("return document.querySelector('[style], [onclick], [onload]')")


@pytest.mark.parametrize("width", [400, 800, 1280, 1600])
def test_no_width_makes_the_page_itself_scroll_sideways(report, width):
    set_size(report, width, 900)
    assert report.execute_script("return document.documentElement.scrollWidth") <= width


def test_both_sheets_of_a_group_stand_side_by_side_at_1280(report):
    tops = """
    const sheets = [...document.querySelectorAll('.sheets')].find((s) => s.querySelectorAll('.sheet').length > 0);
    const columns = getComputedStyle(sheets).gridTemplateColumns.split(' ').length;
    return [columns, sheets.clientWidth];
    """
    columns, width = report.execute_script(tops)
    assert columns >= 2 and width < 1000


def test_what_a_picture_shows_is_said_for_those_who_do_not_see_it(report):
    assert report.execute_script("return [...document.images].filter((image) => !image.alt.trim()).length") == 0
    nameless = (
        "return [...document.querySelectorAll('svg[role=img], svg[role=group]')].filter((s) => !s.ariaLabel).length"
    )
    assert report.execute_script(nameless) == 0
    regions = "return [...document.querySelectorAll('.scroll')].filter((s) => s.tabIndex !== 0 || !s.ariaLabel).length"
    assert report.execute_script(regions) == 0


def test_the_name_of_an_image_is_said_by_keyboard_and_pointer(report):
    focus = "const cell = document.querySelector('.cells a'); cell.focus(); return cell === document.activeElement"
    assert report.execute_script(focus)
    said = "return document.querySelector('.cells').closest('figure').querySelector('.pointed').textContent"
    assert HOSTILE[0] in report.execute_script(said) or r"\n" in report.execute_script(said)
    second = "const c = document.querySelectorAll('.cells a')[1]; c.dispatchEvent(new PointerEvent('pointerover', "
    report.execute_script(second + "{ bubbles: true }))")
    title = report.execute_script("return document.querySelectorAll('.cells a title')[1].textContent")
    assert report.execute_script(said) == title


def test_a_figure_opens_large_and_escape_closes_it(report):
    report.execute_script("document.querySelector('button.enlarge').focus()")
    report.switch_to.active_element.send_keys(Keys.ENTER)
    assert report.execute_script("return document.querySelector('dialog.large').open")
    report.switch_to.active_element.send_keys(Keys.ESCAPE)
    wait_for(report, "return document.querySelector('dialog.large') === null")
    assert report.execute_script("return document.activeElement.className") == "enlarge"


def test_lines_can_be_copied(report):
    report.execute_script("document.querySelector('.copyable button').click()")
    told = "return ['Copied', 'Selected'].includes(document.querySelector('.copyable button').textContent)"
    wait_for(report, told)


def test_a_link_opens_the_group_that_it_leads_to(report):
    report.execute_script("document.querySelectorAll('details.cluster').forEach((d) => (d.open = false))")
    report.execute_script("document.querySelector('.tree a[href*=\"-c\"]').dispatchEvent(new MouseEvent('click'))")
    anchor = report.execute_script("return document.querySelector('.tree a[href*=\"-c\"]').href.baseVal")
    report.execute_script(f"location.hash = '{anchor}'")
    wait_for(report, "return document.getElementById(location.hash.slice(1)).open")


def test_tables_sort_and_scores_filter(report):
    report.execute_script("document.querySelectorAll('.scored').forEach((d) => (d.open = true))")
    field = report.find_element("css selector", "input[type=search]")
    field.send_keys("kmeans texture")
    count = "return document.querySelector('.filter output').textContent"
    assert report.execute_script(count) == "2 of 8 rows"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_in_both_themes(report, theme):
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    colours = report.execute_script(
        "const s = getComputedStyle(document.documentElement);"
        "return Object.fromEntries(['paper', 'ink', 'soft', 'panel', 'accent', 'win', 'warn'].map((n) =>"
        " [n, s.getPropertyValue('--' + n).trim()]))"
    )
    for words, ground in itertools.product(("ink", "soft", "accent"), ("paper", "panel")):
        assert contrast(colours[words], colours[ground]) >= 4.5, (words, ground)
    for ground in ("win", "warn"):
        assert contrast(colours["ink"], colours[ground]) >= 7


def contrast(first, second):
    """Return the contrast of two colours as WCAG 2 computes it."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_on_paper_nothing_is_pinned_or_cut(report):
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    header = "return getComputedStyle(document.querySelector('thead th')).position"
    assert report.execute_script(header) == "static"
    cut = "return [...document.querySelectorAll('.scroll')].map((s) => getComputedStyle(s).overflow)"
    assert set(report.execute_script(cut)) == {"visible"}
    assert report.execute_script("return getComputedStyle(document.querySelector('nav')).display") == "none"
    report.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
