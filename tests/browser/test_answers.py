"""Answers on the page to label on: keys, undo, the file."""

import re
from datetime import datetime, timedelta

import pytest
from selenium.webdriver.common.keys import Keys

from helpers.label_pages import KINDS, PROGRESS, LabelPage, draw, messages, read_answers, write_page
from nearlabel.labelling.page.writing import LabelKind, QueueImage

IDS = [f"plant/{number}.png" for number in range(6)]
HOSTILE = [
    "line\nbreak\r\nand \"quotes\", 'more'.png",
    "<script>document.title = 'taken'</script></script>.png",
    "<img src=x onerror=alert(1)>.png",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f525.png",
    "\u05e9\u05dc\u05d5\u05dd \u202egpj.exe",
    "x" * 300,
    "=1+1,;\t\\ &amp; \u0000\u0007\u2028.png",
]


def labels(rows):
    return {row["image_id"]: row["label"] for row in rows}


def test_each_key_is_an_answer(open_page):
    page = open_page(IDS)
    assert page.text("#annotator") == "Ada" and page.index == 0
    before = datetime.now().astimezone()
    page.press("a", "k", "w", "s", "?", "A")
    rows = page.save()
    assert list(labels(rows)) == IDS
    assert list(labels(rows).values()) == ["good", "scratch", "pit", "skip", "unsure", "good"]
    for row in rows:
        assert list(row) == ["image_id", "label", "annotator", "time", "seconds"] and row["annotator"] == "Ada"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["time"])
        assert abs(datetime.fromisoformat(row["time"]) - before) < timedelta(minutes=1)
        assert re.fullmatch(r"\d+\.\d{3}", row["seconds"]) and float(row["seconds"]) < 60


def test_the_file_is_as_the_library_writes_tables(open_page):
    page = open_page(IDS)
    page.press("a")
    before = set(page.downloads.glob("*.csv"))
    page.press("d")
    file = page.wait_for_file(before)
    assert re.fullmatch(r"labels-Ada-\d{8}T\d{9}Z\.csv", file.name)
    content = file.read_bytes()
    assert re.fullmatch(
        rb'"image_id","label","annotator","time","seconds"\n"plant/0.png","good","Ada","[^"]+Z",\d+\.\d{3}\n', content
    )
    assert "all in a file" in page.text("#kept")


def test_buttons_answer_too(open_page):
    page = open_page(IDS)
    for selector in ("[data-label=scratch]", "[data-action=unsure]", "[data-action=skip]"):
        page.driver.find_element("css selector", selector).click()
        page.settle()
    assert list(labels(page.save()).values()) == ["scratch", "unsure", "skip"]


def test_undo_to_the_first(open_page):
    page = open_page(IDS)
    page.press("a", "k", "w")
    assert page.answered == 3
    for left in (2, 1, 0):
        page.press("u")
        assert (page.answered, page.index) == (left, left)
    page.press("u")
    assert page.text("#said") == "There is nothing to undo."
    page.press("w")
    assert labels(page.save()) == {IDS[0]: "pit"}


def test_undo_says_when_a_file_has_the_answer(open_page):
    page = open_page(IDS)
    page.press("a")
    page.save()
    page.press("u")
    assert "A file saved before still has it" in page.text("#said")


def test_the_last_answer_counts(open_page):
    page = open_page(IDS)
    page.press("a", "k", Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert page.index == 0
    assert page.js("return document.querySelector('[data-label=good]').getAttribute('aria-pressed')") == "true"
    # It goes on where answers are missing.
    page.press("w")
    assert page.index == 2 and labels(page.save()) == {IDS[0]: "pit", IDS[1]: "scratch"}
    # The answer before counts again.
    page.press("u")
    assert labels(page.save()) == {IDS[0]: "good", IDS[1]: "scratch"}


def test_moving_answers_nothing(open_page):
    page = open_page(IDS)
    page.press(Keys.ARROW_LEFT)
    assert page.index == 0 and page.text("#said") == "This is the first image."
    page.press(*[Keys.ARROW_RIGHT] * 8)
    assert page.index == 5 and page.answered == 0
    assert page.text("#said") == "This is the last image."


def test_the_end_says_what_to_do(open_page):
    page = open_page(IDS[:2], folder="answers/plant")
    assert not page.driver.find_element("id", "finished").is_displayed()
    page.press("a", "a")
    assert page.driver.find_element("id", "finished").is_displayed()
    assert "“answers/plant”" in page.text("#finished")
    before = set(page.downloads.glob("*.csv"))
    page.driver.find_element("css selector", "#finished button").click()
    assert len(read_answers(page.wait_for_file(before))) == 2


def test_hostile_names_are_shown_as_text_and_written_exactly(open_page):
    kinds = [LabelKind(name, key, [], name) for name, key in zip(HOSTILE, "abcefij", strict=True)]
    page = open_page(HOSTILE, kinds, run="<b>run</b>", annotator='</script> "Ada", \U0001f525 \u05d0')
    for kind in kinds:
        name = page.text("#name")
        assert all(character.isprintable() or character == "\u200d" for character in name)
        assert page.js("return document.querySelector('#name').childElementCount") == 0
        page.press(kind.key)
    assert page.driver.title == "<b>run</b> · labelling"
    rows = page.save()
    assert [row["image_id"] for row in rows] == HOSTILE == [row["label"] for row in rows]
    assert {row["annotator"] for row in rows} == {'</script> "Ada", \U0001f525 \u05d0'}
    assert page.js("return document.querySelectorAll('b, img:not([id]), script:not([id])').length") == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../..\\a:b*?<c>|", "a_b_c"),
        ("\u00c5sa L\u00f8v", "\u00c5sa_L\u00f8v"),
        ("???", "unnamed"),
        ("y" * 300, "y" * 40),
    ],
)
def test_file_names_are_safe(open_page, name, expected):
    page = open_page(IDS[:1], annotator=name)
    page.press("a")
    page.press("d")
    file = page.wait_for_file(set())
    assert file.name.startswith(f"labels-{expected}-2") and read_answers(file)[0]["annotator"] == name


def test_two_annotators_have_their_own_answers(open_page):
    page = open_page(IDS)
    page.press("a", "k")
    page.driver.find_element("id", "annotator").click()
    page.begin("Bo")
    assert (page.answered, page.index) == (0, 0)
    page.press("w")
    assert [(row["annotator"], row["label"]) for row in page.save()] == [("Bo", "pit")]
    page.open("Ada")
    assert (page.answered, page.index) == (2, 2)
    # The name said last is there already.
    page.open("Bo")
    page.open(None)
    assert page.text("#annotator") == "Bo" and page.answered == 1


def test_a_name_is_needed(browser, tmp_path):
    page = LabelPage(browser, write_page(tmp_path, IDS, run="name"), tmp_path)
    browser.get(page.path.as_uri())
    page.wait("return document.querySelector('#who').open")
    page.js("document.querySelector('#nameField').value = '  '")
    page.press(Keys.ENTER, Keys.ESCAPE, Keys.ESCAPE, Keys.ESCAPE, "a", settle=False)
    page.wait("return document.querySelector('#who').open")
    assert page.js("return document.body.dataset.answered ?? null") is None
    page.begin(" Ada ")
    assert page.text("#annotator") == "Ada"


def test_other_queues_have_their_own_answers(open_page):
    page = open_page(IDS)
    page.press("a")
    assert open_page(IDS[:5]).answered == 0
    assert open_page(IDS, run="other").answered == 0
    assert open_page(IDS).answered == 1


def test_hidden_time_does_not_count(open_page):
    page = open_page(IDS)
    hide = (
        "Object.defineProperty(document, 'hidden', { configurable: true, get: () => arguments[0] });"
        "document.dispatchEvent(new Event('visibilitychange'));"
    )
    wait = "setTimeout(arguments[0], 700)"
    page.js(hide.replace("arguments[0]", "true"))
    page.driver.execute_async_script(wait)
    page.js(hide.replace("arguments[0]", "false"))
    page.press("a")
    page.driver.execute_async_script(wait)
    page.press("a")
    first, second = (float(row["seconds"]) for row in page.save())
    assert first < 0.65 and 0.7 <= second < 1.4


def test_a_class_takes_a_key_of_the_page(open_page):
    page = open_page(IDS, [LabelKind("one", "1"), LabelKind("crack", "c")])
    assert page.text("[data-action=actual]") == "1:1" and "c" not in page.text("[data-action=contrastUp]").split()
    page.press("1", "c")
    assert list(labels(page.save()).values()) == ["one", "crack"]


def test_examples_stand_beside_the_image(open_page, tmp_path):
    examples = [("seen/1.png", draw(tmp_path / "one.png", 91)), ("seen/2.png", str(tmp_path / "none.png"))]
    page = open_page(IDS, [LabelKind("pit", "w", examples, "Small and dark.")])
    assert page.text(".kind p") == "Small and dark."
    [button] = page.driver.find_elements("css selector", ".examples button")
    button.click()
    assert page.driver.find_element("id", "exampleImage").size["width"] > 100
    page.press("w")
    assert page.answered == 0
    page.press(Keys.ESCAPE, "w")
    assert page.answered == 1


def test_kinds_are_those_of_the_page(open_page):
    page = open_page(IDS)
    assert [page.text(f"[data-label={kind.name}] .name") for kind in KINDS] == ["good", "scratch", "pit"]
    assert "Before this page: 64 of 1,000 images labelled, 5 defects found." in page.text("#about")
    assert "Go on." in page.text("#about") and page.text("#round") == "round 2"


def test_images_that_cannot_be_read_have_their_place(tmp_path, open_page):
    (tmp_path / "text.png").write_bytes(b"no image")
    files = (draw(tmp_path / "good.png", 1), tmp_path / "text.png", tmp_path / "gone.png")
    page = open_page(IDS[:3], queue=[QueueImage(name, file) for name, file in zip(IDS, files, strict=False)])
    page.press("a")
    assert "This image cannot be read" in page.driver.find_element("id", "missing").text
    page.press("s")
    assert "does not exist" in page.driver.find_element("id", "missing").text
    page.press("s", "g")
    assert page.js("return document.querySelectorAll('.broken').length") == 2
    assert list(labels(page.save()).values()) == ["good", "skip", "skip"]


def test_nothing_to_label(browser, tmp_path):
    advice = "Recall is <certified>: labelling can stop."
    path = write_page(tmp_path, [], progress=PROGRESS | {"advice": advice})
    messages(browser)
    browser.get(path.as_uri())
    page = LabelPage(browser, path, tmp_path)
    shown = browser.find_element("id", "empty").text
    assert "There is nothing to label" in shown and advice in shown and "run the workflow again" in shown
    assert not browser.find_element("id", "work").is_displayed()
    page.press("a", "d", "g", settle=False)
    assert messages(browser) == []
