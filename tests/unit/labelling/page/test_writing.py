"""The file of the page to label on: policy, data, refusals."""

import base64
import hashlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from nearlabel.labelling.page.writing import LabelKind, QueueImage, queue_key, write_label_page

PROGRESS = {"round": 1, "labelled": 0, "found": None, "population": 9, "advice": "Label."}
KINDS = [LabelKind("good", "a"), LabelKind("pit", "w")]


def write(folder, *, ids=("a.png", "b.png"), kinds=KINDS, **changes):
    queue = []
    for number, name in enumerate(ids):
        file = folder / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (300, 400), dtype=np.uint8)).save(file)
        queue.append(QueueImage(name, str(file), np.eye(2)))
    words = {"run": "run", "dataset": "plant", "queue": queue, "progress": PROGRESS} | changes
    write_label_page(folder / "label.html", kinds=kinds, **words)
    return (folder / "label.html").read_text(encoding="utf-8")


def data_of(html):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[1])


def test_the_policy_allows_one_style_and_one_script(tmp_path):
    html = write(tmp_path)
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1]
    style, script = (
        re.search("<style>(.*)</style>", html, re.DOTALL)[1],
        re.findall("<script>(.*)</script>", html, re.DOTALL)[0],
    )
    style, script = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script))
    assert policy == (
        f"default-src 'none'; img-src data: blob:; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_the_file_is_pure_and_the_same_each_time(tmp_path):
    hostile = ["</script><script>alert(1)</script>", "<!-- <b>\n\u2028", "\udcff.png"]
    first = write(tmp_path, ids=hostile)
    assert first == write(tmp_path, ids=hostile)
    assert [image["id"] for image in data_of(first)["images"]] == hostile
    assert len(re.findall("</script>", first)) == 2 and "alert(1)" not in first.replace("\\u003cscript>alert(1)", "")


def test_what_the_page_holds(tmp_path):
    data = data_of(write(tmp_path, kinds=[LabelKind("pit", "w", [("x", str(tmp_path / "0.png"))], "Dark.")]))
    assert set(data) == {"key", "run", "dataset", "folder", "progress", "kinds", "images"}
    image = data["images"][0]
    # Nothing says why an image is asked for.
    assert set(image) == {"id", "src", "overlay", "size", "shown", "lossless", "problem"}
    assert image["size"] == image["shown"] == [400, 300] and image["lossless"] is True
    [example] = data["kinds"][0]["examples"]
    assert example["shown"] == [384, 288] and data["kinds"][0]["description"] == "Dark."
    assert data["progress"] == PROGRESS


def test_the_file_keeps_its_budget(tmp_path):
    full = len(write(tmp_path, ids=[f"{i}" for i in range(8)]))
    budget = 400_000
    assert full > budget
    html = write(tmp_path, ids=[f"{i}" for i in range(8)], budget=budget)
    assert 0.5 * budget < len(html.encode()) <= budget
    assert all(image["shown"][0] < image["size"][0] for image in data_of(html)["images"])
    with pytest.raises(ValueError, match="budget"):
        write(tmp_path, budget=50_000)


def test_the_key_depends_on_run_data_set_and_queue():
    keys = {
        queue_key(*arguments)
        for arguments in (
            ("a", "b", ["c"]),
            ("a", "bc", []),
            ("a", "b", ["c", ""]),
            ("ab", "", ["c"]),
            ("a", "b", ["d"]),
        )
    }
    assert len(keys) == 5 and all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
    assert queue_key("a", "b", ["1", "2"]) != queue_key("a", "b", ["2", "1"])


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ([], "name at least one"),
        ([LabelKind("good", "")], "one character"),
        ([LabelKind("good", "ab")], "one character"),
        ([LabelKind("good", " ")], "one character"),
        ([LabelKind("good", "u")], "one of the page's"),
        ([LabelKind("good", "S")], "one of the page's"),
        ([LabelKind("skip", "a")], "cannot be called 'skip'"),
        ([LabelKind("", "a")], "cannot be called ''"),
        ([LabelKind("good", "a"), LabelKind("good", "b")], "shares its name"),
        ([LabelKind("good", "a"), LabelKind("bad", "A")], "its key"),
    ],
)
def test_classes_that_cannot_be_labelled_with(tmp_path, kinds, message):
    with pytest.raises(ValueError, match=message):
        write(tmp_path, kinds=kinds)
    assert not (tmp_path / "label.html").exists()


def test_no_image_is_asked_twice(tmp_path):
    with pytest.raises(ValueError, match=r"asks for 'a\.png' twice"):
        write(tmp_path, ids=["a.png", "b.png", "a.png"])
