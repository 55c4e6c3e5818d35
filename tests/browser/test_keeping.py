"""What the page to label on keeps: after the tab, or the whole browser, was killed; where nothing can be kept."""

import numpy as np
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.keys import Keys

from helpers.label_pages import (
    CHROMEDRIVER,
    CHROMIUM,
    MISSING,
    LabelPage,
    kill,
    processes_of,
    set_downloads,
    start_browser,
    write_page,
)

KEYS = {"a": "good", "k": "scratch", "w": "pit", "s": "skip", "?": "unsure"}
BROKEN_LOCAL = "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); };"
BROKEN_DATABASE = "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };"


class Killed:
    """A page in a browser that can be killed and started again with all that it had kept."""

    def __init__(self, folder, ids, before=""):
        self.folder, self.before = folder, before
        self.path = write_page(folder, ids)
        self.driver = None
        self.start()

    def start(self) -> None:
        self.driver = start_browser(self.folder / "profile", self.folder / "downloads")
        if self.before:
            self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": self.before})
        self.page = LabelPage(self.driver, self.path, self.folder / "downloads").open()

    def kill_tab(self, last_key: str = "") -> None:
        """Kill the process of the page, at once after a key; end the browser and start it again."""
        pids = processes_of(self.driver, "renderer")
        if last_key:
            self.page.press(last_key, settle=False)
        kill(pids)
        self.driver.quit()
        self.start()

    def kill_browser(self) -> None:
        kill(processes_of(self.driver, "browser"))
        self.close()
        # Of the killed one: who holds the profile.
        for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
            (self.folder / "profile" / name).unlink(missing_ok=True)
        self.start()

    def close(self) -> None:
        try:
            self.driver.quit()
        except WebDriverException:
            self.driver.service.stop()


@pytest.fixture
def killed(tmp_path):
    if not (CHROMIUM and CHROMEDRIVER):
        pytest.skip(MISSING)
    made = []

    def make(ids, before="") -> Killed:
        made.append(Killed(tmp_path, ids, before))
        return made[-1]

    yield make
    for one in made:
        one.close()


def press_and_note(page, keys, noted):
    for key in keys:
        noted[page.index] = KEYS[key]
        page.press(key)


def check(one, ids, noted):
    page = one.page
    assert page.answered == len(noted)
    assert {row["image_id"]: row["label"] for row in page.save()} == {ids[at]: label for at, label in noted.items()}


def test_a_killed_tab_loses_nothing(killed):
    """With localStorage alone; with both places, see the 200 below."""
    ids = [f"{number}.png" for number in range(8)]
    one, noted = killed(ids, BROKEN_DATABASE), {}
    press_and_note(one.page, "akw?", noted)
    noted[4] = "skip"
    one.kill_tab("s")
    assert "5 answers restored" in one.page.text("#said") and one.page.index == 5
    check(one, ids, noted)
    # Undo goes back behind the kill.
    one.page.press("u", "u")
    assert one.page.answered == 3


def test_a_killed_browser_loses_nothing_that_is_on_the_disk(killed):
    """Where localStorage, which reaches the disk seconds later, loses it."""
    ids = [f"{number}.png" for number in range(8)]
    one, noted = killed(ids), {}
    press_and_note(one.page, "akw?s", noted)
    one.page.wait("return document.body.dataset.waiting === '0'")
    one.kill_browser()
    check(one, ids, noted)


@pytest.mark.slow
def test_a_tab_killed_at_any_key_loses_none_of_200(killed):
    ids = [f"{number}.png" for number in range(200)]
    one, noted = killed(ids), {}
    rng = np.random.default_rng(0)
    moments = set(rng.choice(200, 20, replace=False))
    for number, key in enumerate(rng.choice(list(KEYS), 200)):
        if number in moments:
            noted[one.page.index] = KEYS[key]
            one.kill_tab(key)
        else:
            press_and_note(one.page, key, noted)
    assert len(noted) == 200
    check(one, ids, noted)


def open_without(browser, tmp_path, source, ids):
    set_downloads(browser, tmp_path / "downloads")
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        return LabelPage(browser, write_page(tmp_path, ids, run=tmp_path.name), tmp_path / "downloads").open()
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def asks_before_leaving(page):
    return page.js(
        "const event = new Event('beforeunload', { cancelable: true });"
        "window.dispatchEvent(event); return event.defaultPrevented"
    )


def test_where_nothing_can_be_kept_the_page_says_so(browser, tmp_path):
    page = open_without(browser, tmp_path, BROKEN_LOCAL + BROKEN_DATABASE, ["1.png", "2.png"])
    banner = page.driver.find_element("id", "unkept")
    assert "answers live only in this tab" in banner.text and banner.get_attribute("role") == "alert"
    assert not asks_before_leaving(page)
    page.press("a")
    assert asks_before_leaving(page) and page.text("#kept") == "only in this tab"
    assert [row["label"] for row in page.save()] == ["good"]
    assert not asks_before_leaving(page)
    page.press("u")
    assert asks_before_leaving(page)
    # Another annotator, and the first again.
    page.press("k")
    for name, answered in (("Bo", 0), ("Ada", 1)):
        page.driver.find_element("id", "annotator").click()
        page.begin(name)
        assert page.answered == answered and asks_before_leaving(page)


def test_storage_that_becomes_full_is_noticed(browser, tmp_path):
    page = open_without(browser, tmp_path, BROKEN_DATABASE, ["1.png", "2.png"])
    page.press("a")
    assert not page.driver.find_elements("id", "unkept") and not asks_before_leaving(page)
    page.js(BROKEN_LOCAL)
    page.press("k")
    assert page.driver.find_element("id", "unkept").is_displayed() and asks_before_leaving(page)


def test_one_of_two_places_is_enough(browser, tmp_path):
    page = open_without(browser, tmp_path, BROKEN_LOCAL, ["1.png", "2.png"])
    page.press("a")
    assert not page.driver.find_elements("id", "unkept") and not asks_before_leaving(page)
    page.wait("return document.body.dataset.waiting === '0'")
    assert page.open().answered == 1


def test_what_is_no_answer_is_left_alone(open_page):
    page = open_page(["1.png", "2.png"])
    page.press("a")
    page.js(
        "const prefix = Object.keys(localStorage).find((key) => key.startsWith('nearlabel/') && key.includes('-'))"
        ".replace(/[^/]*$/, '');"
        "for (const [i, text] of ['{', '5', 'null', '{}', ''].entries()) localStorage.setItem(`${prefix}x${i}`, text)"
    )
    page.open()
    assert page.answered == 1
    page.press("k")
    assert [row["label"] for row in page.save()] == ["good", "scratch"]


def test_two_tabs_share_their_answers(open_page, browser):
    page = open_page([f"{number}.png" for number in range(4)])
    page.press("a")
    first = browser.current_window_handle
    browser.switch_to.new_window("tab")
    try:
        page.open()
        assert page.answered == 1
        page.press("k")
        browser.switch_to.window(first)
        page.wait("return document.body.dataset.answered === '2'")
        page.press("u")
        assert page.answered == 1 and page.index == 1
    finally:
        for handle in set(browser.window_handles) - {first}:
            browser.switch_to.window(handle)
            browser.close()
        browser.switch_to.window(first)
    page.press(Keys.ARROW_LEFT)
    assert [row["label"] for row in page.save()] == ["good"]
