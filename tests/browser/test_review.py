"""The review page in Chromium, on the real server."""

import json
import threading
import time

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from helpers.bundles import draw_image
from helpers.label_pages import INTRUSIONS, messages, requests, set_size, start_browser
from helpers.review_pages import LABELS, LineDatabase, ReviewPage, RunningServer
from helpers.written_bundles import write_made
from nearlabel.labelling.answers.reading import read_answers
from nearlabel.production.bundle.contents import USED
from nearlabel.production.bundle.files import check_bundle
from nearlabel.production.bundle.numbering import write_note
from nearlabel.production.review.connections import Database
from nearlabel.production.review.server import app, stream
from nearlabel.production.review.shown import ShownBundle
from nearlabel.production.review.words import Word, record_words

# A network that is down is told of in the console; nothing else may be.
_DOWN = ("Failed to load resource", "ERR_CONNECTION", "ERR_INCOMPLETE", "ERR_EMPTY_RESPONSE")


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(stream, "POLL_SECONDS", 0.05)


@pytest.fixture
def line(tmp_path):
    return LineDatabase(tmp_path / "line", 20)


@pytest.fixture
def review(browser, line):
    """Open the page on a server: nothing is complained of, and nothing else is asked for."""
    servers = []
    set_size(browser, 1280, 800)

    def open_page(operator="Ada", **options) -> ReviewPage:
        servers.append(RunningServer(line, **options))
        messages(browser), requests(browser)
        return ReviewPage(browser, servers[-1].address).open(operator)

    yield open_page
    said = messages(browser)
    asked = requests(browser)
    browser.get("about:blank")
    for server in servers:
        server.close()
    assert said == [] and all(address.startswith(servers[-1].address) for address in asked)


def test_one_touch_confirms_corrects_and_is_taken_back(review, line):
    page = review()
    newest = line.images[::-1]
    assert page.shown == newest and page.current == newest[0]
    page.press(Keys.ENTER, "2", "?").sent()
    # What was said stays visible, and the next image is chosen.
    assert [page.word_of(image) for image in newest[:3]] == ["✓ novel · Ada", "✎ pit · Ada", "✎ unsure · Ada"]
    assert page.current == newest[3]
    assert [(row["action"], row["label"]) for row in line.corrections()] == [
        ("confirm", ""),
        ("correct", "pit"),
        ("correct", "unsure"),
    ]
    page.press("u", "u", "u").sent()
    assert [page.word_of(image) for image in newest[:3]] == [""] * 3 and page.current == newest[0]
    assert len(line.corrections()) == 6
    page.press("u").sent()
    assert len(line.corrections()) == 6 and "nothing" in page.text("#said")


@pytest.mark.slow
def test_undo_goes_to_the_first_after_the_page_was_loaded_anew(review, line):
    page = review()
    page.press("1", "2", Keys.ENTER).sent()
    page.open(fresh=False).press("u", "u", "u").sent()
    assert sum(row["action"] == "undo" for row in line.corrections()) == 3


@pytest.mark.slow
def test_what_was_said_is_there_for_others_and_after_loading(review, line):
    page = review()
    page.press("1").sent()
    page.open("Bo", fresh=False)
    assert page.word_of(line.images[-1]) == "✎ good · Ada"
    page.press("2").sent()
    assert page.word_of(line.images[-1]) == "✎ pit · Bo"
    page.press(Keys.ARROW_LEFT)
    page.wait("return document.body.dataset.detailed === document.body.dataset.current")
    assert "differ" in page.text("#verdict") and "Ada: ✎ good" in page.text("#details")
    # The word of another is taken back in the history.
    page.js("[...document.querySelectorAll('.history button')].at(-1).click()")
    page.sent()
    assert line.corrections()[-1]["undoes"] == 1 and line.corrections()[-1]["operator"] == "Bo"


def test_by_keyboard_alone(review, line):
    page = review()
    page.press("g", "+", "0", Keys.ARROW_RIGHT)
    page.wait("return document.querySelector('#stage').dataset.shown === document.body.dataset.current")
    assert page.current == line.images[-2]
    page.press("m")
    page.press(*"new kind", Keys.ENTER).sent()
    assert line.corrections()[-1]["label"] == "new kind" and page.current == line.images[-3]
    # From now on it has a key.
    page.press("4").sent()
    assert line.corrections()[-1]["label"] == "new kind" and len(line.corrections()) == 2
    page.press("m", *"PIT", Keys.ENTER).sent()
    assert line.corrections()[-1]["label"] == "pit"
    page.press("m", Keys.TAB)
    page.js("document.querySelector('#choiceGroups button').focus()")
    page.press(Keys.ENTER).sent()
    assert (line.corrections()[-1]["label"], line.corrections()[-1]["node"]) == ("", "root.0.1")
    page.press(Keys.ESCAPE, "h")
    assert page.js("return document.querySelector('#helpBox').open")
    page.press(Keys.ESCAPE, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert page.current == line.images[-6]


@pytest.mark.slow
def test_filters(review, line):
    page = review()

    def chosen(*keys, wait):
        page.press(*keys[:-1]).sent()
        page.press(*keys[-1:])
        return page.wait(f"return document.querySelectorAll('[role=option]').length === {wait}")

    chosen("1", "r", wait=19)
    page.click("[data-filter=novel]")
    chosen(wait=3)
    assert page.shown == [line.images[number] for number in (14, 9, 4)]
    page.press("1").sent()
    # It stays where it is until the page is asked for again.
    assert len(page.shown) == 3 and page.word_of(line.images[14]) == "✎ good · Ada"
    chosen("a", wait=20)
    page.js("const s = document.querySelector('#camera'); s.value = 'left'; s.dispatchEvent(new Event('change'))")
    chosen(wait=10)
    page.click("[data-filter=doubt]")
    chosen(wait=1)
    assert "In doubt between good, pit" in page.text("#verdict")
    page.js("const s = document.querySelector('#label'); s.value = 'pit'; s.dispatchEvent(new Event('change'))")
    page.wait("return !document.querySelector('#empty').hidden")
    assert "No image is like this" in page.text("#empty")
    page.press("a")
    page.wait("return document.querySelector('#empty').hidden")


@pytest.mark.slow
def test_images_come_by_themselves_and_the_page_does_not_grow(review, line, monkeypatch):
    page = review()
    page.press(Keys.ARROW_RIGHT)
    chosen = page.current
    line.add(3)
    # While someone works, nothing moves: the page says that there are more.
    page.wait("return document.querySelector('#fresh').textContent === '3 new'")
    assert len(page.shown) == 20
    page.press("n")
    page.wait("return document.querySelectorAll('[role=option]').length === 23")
    assert page.shown == line.images[::-1] and page.current == chosen
    # Nobody touches it: new ones appear.
    line.add(2)
    page.wait("return document.querySelectorAll('[role=option]').length === 25")
    assert page.current == chosen
    # For weeks.
    page.js("window.most = 0; new MutationObserver(() => { window.most = Math.max(window.most, "
            "document.querySelectorAll('[role=option]').length); })"
            ".observe(document.querySelector('#cells'), { childList: true })")  # fmt: skip
    image = dict(json.loads(page.js("return fetch('/images').then((a) => a.text())"))["images"][0])
    heard = [image | {"image": f"{number:064x}", "label_id": 1000 + number} for number in range(1500)]
    monkeypatch.setattr(stream, "read_changes", _in_parts(heard))
    page.wait("return document.querySelector('[role=option]').dataset.image === arguments[0]", f"{1499:064x}")
    assert page.js("return window.most") <= 2 * 601 and len(page.shown) <= 601
    assert chosen in page.shown
    # Older ones go on where the newest end, not at the one that stayed.
    requests(page.driver)
    page.click("#more")
    page.wait("return document.querySelectorAll('[role=option]').length === 25")
    assert any(address.endswith("/images?before=1900") for address in requests(page.driver))
    page.driver.get("about:blank")
    messages(page.driver)


def _in_parts(images):
    left = list(images)

    def read_changes(connection, cursor):
        part = [left.pop(0) for _ in range(min(60, len(left)))]
        return cursor, {"images": part[::-1], "skipped": 0, "at": 0} if part else {}

    return read_changes


@pytest.mark.slow
def test_answers_outlive_a_server_that_is_gone(browser, line, review):
    server = RunningServer(line)
    page = ReviewPage(browser, server.address).open()
    page.press("1").sent()
    port = server.port
    server.close()
    page.press("2", Keys.ENTER, "3")
    page.wait("return document.querySelector('#waiting') !== null")
    assert "3 answers are kept in this browser" in page.text("#waiting")
    assert page.word_of(line.images[-2]) == "✎ pit · sending"
    with RunningServer(line, port=port):
        page.js("window.dispatchEvent(new Event('online'))")
        page.sent()
        assert page.word_of(line.images[-2]) == "✎ pit · Ada"
        assert [row["label"] for row in line.corrections()] == ["good", "pit", "pit", "scratch"]
        page.press("u").sent()
        browser.get("about:blank")
    messages(browser), requests(browser)
    review()


def test_an_answer_that_got_lost_is_one_row(review, line, monkeypatch):
    page = review()
    lost = []

    def record_and_fail(*arguments):
        results = record_words(*arguments)
        if len(lost) < 2:
            lost.append(results)
            raise app.BusyDatabaseError("the answer is lost")
        return results

    record_words = app.record_words
    monkeypatch.setattr(app, "record_words", record_and_fail)
    page.press("1", "2", "3").sent()
    assert len(lost) == 2 and [row["label"] for row in line.corrections()] == ["good", "pit", "scratch"]
    assert all("503" in text for text in messages(page.driver))


@pytest.mark.slow
def test_words_that_cannot_be_kept_are_told(review, line):
    page = review()
    line.connection.execute("UPDATE images SET sha256 = ? WHERE sha256 = ?", ("f" * 64, line.images[-2]))
    page.press("1", "2", "3").sent()
    page.wait("return document.querySelector('#refused') !== null")
    assert "1 answer could not be kept: this database has no such image" in page.text("#refused")
    assert [row["label"] for row in line.corrections()] == ["good", "scratch"]
    page.click("#refused button")
    assert page.js("return document.querySelector('#refused') === null")
    messages(page.driver)


@pytest.mark.slow
def test_two_browsers_at_once(review, line, tmp_path):
    page = review()
    second = start_browser(tmp_path / "profile", tmp_path / "downloads")
    try:
        other = ReviewPage(second, page.address).open("Bo")
        for key in "123123":
            page.press(key)
            other.press(key)
        page.sent(), other.sent()
        # Each sees what the other said, without asking.
        for one in (page, other):
            stands = {row["image_id"]: row["operator"] for row in line.corrections()}
            for number in range(15, 21):
                one.wait("return document.querySelector(`[data-image='${arguments[0]}'] .word`).textContent.includes("
                         "arguments[1])", line.images[number - 1], stands[number])  # fmt: skip
        rows = line.corrections()
        assert len(rows) == 12 and {row["operator"] for row in rows} == {"Ada", "Bo"}
    finally:
        second.quit()


@pytest.mark.slow
def test_a_proposed_group_gets_one_name(review, line):
    page = review()
    line.event("proposal", "3 novel images look alike.", [5, 10, 15], node="root.3")
    page.wait("return document.querySelector('[data-action=events] .badge')?.textContent === '1'")
    page.press("e")
    page.js("document.querySelector('#eventRows button').click()")
    page.wait("return document.querySelectorAll('[role=option]').length === 3")
    page.js("document.querySelector('#proposalField').focus()")
    page.press(*"crazing", Keys.ENTER).sent()
    rows = line.corrections()
    assert [(row["image_id"], row["label"], row["node"]) for row in rows] == [
        (number, "crazing", "root.3") for number in (5, 10, 15)
    ]
    assert page.word_of(line.images[4]) == "✎ crazing, group root.3 · Ada"
    page.wait("return document.querySelector('[data-action=events] .badge') === null")
    # One touch takes all of it back.
    page.js("document.activeElement.blur()")
    page.press("u").sent()
    assert len(line.corrections()) == 6 and page.word_of(line.images[4]) == ""


def _look_at_proposal(page, line):
    line.event("proposal", "3 novel images look alike.", [5, 10, 15], node="root.3")
    page.wait("return document.querySelector('[data-action=events] .badge') !== null")
    page.press("e")
    page.js("document.querySelector('#eventRows button').click()")
    page.wait("return document.querySelectorAll('[role=option]').length === 3")
    page.js("document.querySelector('#proposalField').focus()")


@pytest.mark.slow
def test_a_naming_that_is_on_its_way_is_taken_back_by_undo(browser, line):
    server = RunningServer(line)
    page = ReviewPage(browser, server.address).open()
    page.press("2").sent()
    _look_at_proposal(page, line)
    server.close()
    page.press(*"crazing", Keys.ENTER)
    page.wait("return document.querySelector('#waiting') !== null")
    page.js("document.activeElement.blur()")
    page.press("u")
    assert page.text("#said") == "Taken back: crazing for 3 images"
    with RunningServer(line, port=server.port):
        page.js("window.dispatchEvent(new Event('online'))")
        page.sent()
        rows = line.corrections()
        assert [(row["action"], row["undoes"]) for row in rows[1:]] == [("correct", None)] * 3 + [
            ("undo", number) for number in (2, 3, 4)
        ]
        page.press("u").sent()
        assert line.corrections()[-1]["undoes"] == 1
        browser.get("about:blank")
    messages(browser), requests(browser)


@pytest.mark.slow
def test_a_proposal_gets_the_label_that_is_meant(review, line):
    page = review()
    _look_at_proposal(page, line)
    page.press(*"new")
    page.wait("return document.querySelector('#proposal .soft').textContent.includes('does not know this label')")
    page.js("document.querySelector('#proposalField').value = ''")
    page.press(*"Pit")
    page.wait("return document.querySelector('#proposal .soft').textContent === 'This is the label “pit”.'")
    page.press(Keys.ENTER).sent()
    assert {row["label"] for row in line.corrections()} == {"pit"}


@pytest.mark.slow
def test_at_the_end_of_a_page_each_touch_is_of_the_next_image(review, line):
    line.add(60)
    page = review()
    page.wait("return document.querySelectorAll('[role=option]').length === 60")
    page.js("document.querySelectorAll('[role=option]')[58].click()")
    for number in (20, 19, 18):
        page.press(Keys.ENTER)
        page.wait("return document.body.dataset.current === arguments[0]", line.images[number])
    page.sent()
    assert [row["image_id"] for row in line.corrections()] == [22, 21, 20]
    # As with the arrows; the last of all has none after it.
    page.js("[...document.querySelectorAll('[role=option]')].at(-2).click()")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.wait("return document.querySelector('#said').textContent === 'This is the last image.'")
    assert page.current == line.images[0]


@pytest.mark.slow
def test_the_last_image_is_not_answered_twice_while_the_next_are_on_their_way(review, line, monkeypatch):
    line.add(60)
    page = review()
    slow = threading.Event()

    def read_page(*arguments):
        slow.wait(10)
        return real(*arguments)

    real = app.read_page
    page.js("[...document.querySelectorAll('[role=option]')].at(-1).click()")
    monkeypatch.setattr(app, "read_page", read_page)
    page.press("2", "2", Keys.ARROW_RIGHT, "3")
    assert page.text("#said") == "The next images are on their way."
    slow.set()
    page.wait("return document.body.dataset.current === arguments[0]", line.images[19])
    page.press("3").sent()
    assert [(row["image_id"], row["label"]) for row in line.corrections()] == [(21, "pit"), (20, "scratch")]


def test_a_button_that_was_clicked_does_not_take_the_next_key(review, browser, line):
    page = review()
    page.press("g")
    for selector in (
        "#kinds button:nth-child(3)",
        "[data-action=zoomIn]",
        "[data-action=choose]",
        "[data-action=help]",
    ):
        button = browser.find_element("css selector", selector)
        ActionChains(browser, duration=0).click(button).perform()
        if page.js("return document.querySelector('dialog[open]') !== null"):
            page.press(Keys.ESCAPE)
        page.wait("return !document.activeElement.matches('dialog, dialog *')")
        current = page.current
        page.press(Keys.ENTER)
        page.wait("return document.body.dataset.current !== arguments[0]", current)
    page.sent()
    label = page.js("return document.querySelector('#kinds button:nth-child(3)').dataset.label")
    first, *others = line.corrections()
    assert (first["action"], first["label"], {row["action"] for row in others}) == ("correct", label, {"confirm"})
    # One that was reached with the tab key is pressed.
    page.js("document.querySelector('#kinds button:nth-child(3)').focus()")
    page.press(Keys.ENTER).sent()
    assert (line.corrections()[-1]["action"], line.corrections()[-1]["label"]) == ("correct", label)


@pytest.mark.slow
def test_words_stay_when_images_are_shown_that_were_labelled_anew(review, line):
    page = review()
    page.press(Keys.ARROW_RIGHT)
    line.relabel(18)
    line.relabel(10)
    page.wait("return document.querySelector('#fresh').textContent === '2 new'")
    page.press("2").sent()
    database = Database(line.path)
    record_words(database, "Bo", [Word(**line.word(10, "correct", label="scratch"))])
    database.close()
    page.wait(
        'return document.querySelector(`[data-image="${arguments[0]}"] .word`).textContent !== ""', line.images[10]
    )
    # Nobody touches it: the new ones are taken in.
    page.wait("return document.querySelector('[role=option]').dataset.image === arguments[0]", line.images[10])
    assert [page.word_of(line.images[number]) for number in (18, 10)] == ["✎ pit · Ada", "✎ scratch · Bo"]


@pytest.mark.slow
def test_a_page_that_nobody_sees_holds_no_connection(browser, line):
    with RunningServer(line) as server:
        streams = server.review.streams
        page = ReviewPage(browser, server.address).open()
        first = browser.current_window_handle
        browser.switch_to.new_window("tab")
        page.wait("return !document.hidden")
        _until(lambda: streams.open == 0)
        line.add(2)
        server.say(line.word(3), operator="Bo")
        browser.close()
        browser.switch_to.window(first)
        # Seen again, it has all that came.
        page.wait("return document.querySelectorAll('[role=option]').length === 22")
        page.wait(
            'return document.querySelector(`[data-image="${arguments[0]}"] .word`).textContent !== ""', line.images[3]
        )
        assert streams.open == 1 and page.text("#live") == "live"
        browser.get("about:blank")


def _until(check) -> None:
    for _ in range(750):
        if check():
            return
        time.sleep(0.02)
    raise TimeoutError


@pytest.mark.slow
def test_a_page_of_another_database_keeps_its_words(browser, line, tmp_path):
    """The server is started again at the same address with a database of the same images, and then with the first."""
    server = RunningServer(line)
    page = ReviewPage(browser, server.address).open()
    server.close()
    other = LineDatabase(tmp_path / "other", 20)
    assert other.images == line.images
    with RunningServer(other, port=server.port):
        page.wait(
            "return document.querySelector('#asking')?.textContent.includes('Another database is shown here now')"
        )
        page.press("2")
        page.wait(
            "return document.querySelector('#waiting')?.textContent.includes('Another database is shown here now')"
        )
        assert "1 answer is kept in this browser" in page.text("#waiting") and page.text("#live") != "live"
        assert other.corrections() == []
    with RunningServer(line, port=server.port):
        page.wait("return document.querySelector('#live').textContent === 'live'")
        page.sent()
        page.wait("return document.querySelector('#asking') === null")
        assert [row["label"] for row in line.corrections()] == ["pit"] and other.corrections() == []
        browser.get("about:blank")
    messages(browser), requests(browser)


@pytest.mark.slow
def test_a_request_that_fails_once_is_asked_again(browser, line, monkeypatch):
    failing = ["first"]

    def read_page(*arguments):
        if failing:
            raise app.BusyDatabaseError(failing.pop())
        return real(*arguments)

    real = app.read_page
    monkeypatch.setattr(app, "read_page", read_page)
    with RunningServer(line) as server:
        page = ReviewPage(browser, server.address).open()
        assert len(page.shown) == 20
        failing += ["again", "and again"]
        page.click("[data-filter=novel]")
        page.wait("return document.querySelector('#asking')?.textContent.includes('busy')")
        page.wait("return document.querySelectorAll('[role=option]').length === 4")
        assert page.js("return document.querySelector('#asking') === null")
        browser.get("about:blank")
    assert all("503" in text for text in messages(browser))
    requests(browser)


@pytest.mark.slow
def test_a_page_without_a_name_asks_again(review, line):
    page = review()
    page.js("localStorage.clear()")
    page.driver.get(page.address)
    page.wait("return document.querySelector('#who').open && document.body.dataset.loaded !== undefined")
    page.js(
        "window.closes = 0; document.querySelector('#who').addEventListener('close', () => { window.closes += 1; })"
    )
    for number in (1, 2):
        page.press(Keys.ESCAPE)
        page.wait("return window.closes === arguments[0] && document.querySelector('#who').open", number)
    page.press(*"Bo", Keys.ENTER)
    page.wait("return document.body.dataset.operator === 'Bo' && !document.querySelector('#who').open")
    # Whoever has a name may leave the question.
    page.click("#operator")
    page.press(Keys.ESCAPE)
    page.wait("return !document.activeElement.matches('dialog, dialog *')")
    page.press("1").sent()
    assert line.corrections()[-1]["operator"] == "Bo"


@pytest.mark.slow
def test_a_page_of_another_bundle_shows_no_map(browser, tmp_path):
    write_made(tmp_path / "bundles", coverage=0.90)
    shown = ShownBundle(tmp_path / "bundles")
    line = LineDatabase(tmp_path / "line", 2)
    neighbors = json.dumps(
        [{"image_id": str(shown.training.bundle.reference.image_id[4]), "distance": 0.5, "label": "good"}]
    )
    line.connection.execute("UPDATE labels SET x = 0, y = 0, neighbors = ?", (neighbors,))

    def labelled_by_shown():
        line.connection.execute("UPDATE labels SET bundle_sha256 = ?", (shown.training.bundle.sha256,))

    labelled_by_shown()
    with RunningServer(line, shown=shown) as server:
        page = ReviewPage(browser, server.address).open()
        page.wait("return document.querySelector('.map canvas') !== null")
        write_made(tmp_path / "bundles", coverage=0.91)
        write_note(tmp_path / "bundles", USED, check_bundle(tmp_path / "bundles" / "2"))
        # Another tablet opens the page.
        server.ask("GET", "/")
        labelled_by_shown()
        page.press(Keys.ARROW_RIGHT)
        page.wait("return document.querySelector('#details').textContent.includes('Another bundle is shown now')")
        assert page.js("return document.querySelector('.map canvas') === null")
        page.wait("return document.querySelector('.near img').naturalWidth > 0")
        assert shown.training.bundle.sha256 in page.js("return document.querySelector('.near img').src")
        page.open(fresh=False)
        page.wait("return document.querySelector('.map canvas') !== null")
        browser.get("about:blank")
    messages(browser), requests(browser)


def test_a_correction_becomes_a_file_that_the_workflow_reads(review, line):
    page = review("Zoë O'Neill")
    page.press(Keys.ARROW_RIGHT, "2", Keys.ENTER, "?").sent()
    page.press("x")
    page.wait("return document.querySelector('#exportText').textContent.includes('3 answers')")
    page.click("#exportNow")
    page.wait("return document.querySelector('#exportText').textContent.includes('3 images copied')")
    [file] = (line.folder / "labels").iterdir()
    assert file.name.startswith("labels-Zoë_O_Neill-")
    names = [f"line/{one.name}" for one in (line.folder / "line").iterdir()]
    found = read_answers([file], names, LABELS)
    assert len(found.problems) == 0 and set(found.table["annotator"]) == {"Zoë O'Neill"}
    told = dict(zip(found.table["image_id"], found.table["label"], strict=True))
    assert told[f"line/{line.images[-2][:20]}.png"] == "pit" and sorted(told.values()) == ["pit", "pit", "unsure"]


def test_the_policy_is_enforced(review, browser):
    page = review()
    assert page.js("return document.querySelectorAll('script:not([type])').length") == 1
    for name, code in INTRUSIONS.items():
        assert browser.execute_async_script(f"const done = arguments[0]; {code}") == "refused", name
        assert any("Content Security Policy" in message for message in messages(browser)), name
    requests(browser)


def test_names_are_text(review, line):
    name = "<img src=x onerror=alert(1)>\u202e.png"
    file = line.folder / name
    line.files[0].rename(file)
    with Image.open(file) as picture:
        picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file)
    line.add_file(file, label="<script>alert(1)</script>", novel=False)
    page = review("<b>Eve</b>")
    page.wait("return document.body.dataset.detailed === document.body.dataset.current")
    assert page.text("#verdict h2") == "<script>alert(1)</script>" and "\\u{202e}" in page.text("#details")
    page.press("2").sent()
    assert page.js('return document.querySelectorAll(\'b, img:not([src^="/"]):not([src=""]):not([alt])\').length') == 0
    assert page.word_of(line.images[-1]).endswith("<b>Eve</b>")


@pytest.mark.slow
def test_a_file_that_is_gone_is_told(review, line):
    page = review()
    line.files[-1].unlink()
    page.press("g")
    page.wait("return !document.querySelector('#missing').hidden")
    assert page.text("#missing") == "The file is not there any more."
    page.press("o")
    page.wait("return document.querySelector('#said').textContent.includes('--bundle')")
    assert any("410" in text for text in messages(page.driver))


def test_an_empty_database_says_what_to_do(browser, tmp_path):
    line = LineDatabase(tmp_path)
    with RunningServer(line) as server:
        page = ReviewPage(browser, server.address).open()
        assert "nearlabel watch" in page.text("#empty") and "--bundle" in page.text("#empty")
        page.press(Keys.ENTER, "1", "u", "g", "o", Keys.ARROW_RIGHT)
        line.add(2)
        page.wait("return document.querySelectorAll('[role=option]').length === 2")
        assert line.corrections() == []
        browser.get("about:blank")


@pytest.mark.parametrize(
    "width", [pytest.param(1280, marks=pytest.mark.slow), 800, pytest.param(400, marks=pytest.mark.slow)]
)
def test_for_fingers_and_screen_readers(review, browser, line, width):
    line.event("proposal", "New.", [5, 10], node="root.3")
    page = review()
    set_size(browser, width, 1000)
    for key in ("", "g", "g", "h", "e", "m", "x"):
        page.press(*([key] if key else []))
        small = page.js(
            "return [...document.querySelectorAll('button, select, input, summary')].filter((one) => "
            "one.offsetParent && !one.matches('.small') && (one.offsetHeight < 44 || one.offsetWidth < 44))"
            ".map((one) => one.outerHTML)"
        )
        assert small == []
        unnamed = page.js(
            "return [...document.querySelectorAll('button, select, input, [role=option], img, canvas')]"
            ".filter((one) => one.offsetParent && !(one.getAttribute('aria-label') || one.textContent.trim() || "
            "one.labels?.length || one.hasAttribute('alt'))).map((one) => one.outerHTML)"
        )
        assert unnamed == []
        assert page.js("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        if key in ("h", "e", "m", "x"):
            page.press(Keys.ESCAPE)


@pytest.mark.slow
def test_the_token_in_the_address_lets_in(browser, line):
    token = "a-token-of-enough-characters"
    with RunningServer(line, token=token, claimed="0.0.0.0") as server:
        browser.get(server.address)
        assert "token" in browser.title
        browser.execute_script(
            "document.querySelector('#token').value = 'wrong'; document.querySelector('#enter').click()"
        )
        page = ReviewPage(browser, server.address)
        page.wait("return document.querySelector('#problem').textContent === 'This is not the token.'")
        browser.get("about:blank")
        browser.get(f"{server.address}/#{token}")
        page.wait("return document.querySelector('#who')?.open")
        assert token not in browser.current_url
        page.open()
        page.press("1").sent()
        assert len(line.corrections()) == 1
        browser.delete_all_cookies()
        page.press("1")
        page.wait("return document.querySelector('#waiting')?.textContent.includes('token is asked for again')")
        browser.get("about:blank")
        time.sleep(0.1)
    messages(browser), requests(browser)


@pytest.mark.slow
def test_with_a_bundle(browser, tmp_path):
    write_made(tmp_path / "bundles")
    shown = ShownBundle(tmp_path / "bundles")
    bundle = shown.training.bundle
    line = LineDatabase(tmp_path / "line")
    file = tmp_path / "strip.png"
    draw_image("crazing", 1).save(file)
    line.add_file(file, novel=True)
    neighbors = [
        {"image_id": str(bundle.reference.image_id[row]), "distance": 0.5, "label": "good", "node": ""}
        for row in (3, 4)
    ]
    line.connection.execute(
        "UPDATE labels SET bundle_sha256 = ?, x = 0, y = 0, neighbors = ?", (bundle.sha256, json.dumps(neighbors))
    )
    with RunningServer(line, shown=shown) as server:
        page = ReviewPage(browser, server.address).open()
        page.wait("return document.querySelectorAll('.near img').length === 2 && document.querySelector('.map canvas')")
        page.wait("return [...document.querySelectorAll('.near img')].every((one) => one.naturalWidth > 0)")
        assert [page.js("return document.querySelector(`#kinds [data-label=${arguments[0]}]`) !== null", label)
                for label in ("good", "scratches", "inclusions")] == [True] * 3  # fmt: skip
        page.press("o")
        page.wait("return document.querySelector('#stage').dataset.covered === document.body.dataset.current")
        assert page.js(
            "return document.querySelector('#cover').naturalWidth > 1 && !document.querySelector('#cover').hidden"
        )
        page.press("o")
        assert page.js("return document.querySelector('#cover').hidden")
        browser.get("about:blank")
