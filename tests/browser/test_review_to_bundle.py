"""From a wrong label to a right one: watcher, review page, export, the next bundle, watcher. The real commands."""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from helpers.bundle_runs import BUNDLES, COMMAND, CONFIG, nearlabel, watch_once
from helpers.label_pages import set_size
from helpers.review_pages import ReviewPage
from helpers.workspace import Workspace, copy_workflow
from nearlabel.images.synthetic import draw_strip
from nearlabel.production.database.opening import open_to_read

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def reviewing(folder):
    """The review page's address, while it is served."""
    words = ["review", "--db", "labels.sqlite", "--bundle", BUNDLES, "--port", "0", "--operator", "Ada"]
    server = subprocess.Popen([sys.executable, "-c", COMMAND, *words], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait(20)


def latest(folder):
    """What the database says last: by sha256, bundle, label and who gave it."""
    connection = open_to_read(folder / "labels.sqlite")
    found = {
        row["sha256"]: tuple(row)[1:]
        for row in connection.execute("SELECT sha256, bundle, label, label_by FROM latest_labels")
    }
    connection.close()
    return found


def test_a_corrected_image_is_right_in_the_next_bundle(browser, tmp_path):
    workspace = Workspace(tmp_path)
    copy_workflow(tmp_path)
    workspace.config = CONFIG
    workspace.snakemake("bundle")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    rng = np.random.default_rng(5)
    for number, kind in enumerate(("good", "scratches", "good", "scratches")):
        Image.fromarray(draw_strip(kind, 32, 96, rng)).save(inbox / f"strip {number}.png")
    watch_once(tmp_path)
    before = latest(tmp_path)
    assert len(before) == 4 and {bundle for bundle, _, _ in before.values()} == {1}

    with reviewing(tmp_path) as address:
        set_size(browser, 1280, 800)
        page = ReviewPage(browser, address).open(None)
        image = page.current
        told = before[image][1]
        other = "defect" if told != "defect" else "good"
        keys = page.js("return [...document.querySelectorAll('#kinds button')].map((one) => one.dataset.label)")
        page.press(str(keys.index(other) + 1)).sent()
        page.press("x")
        page.wait("return document.querySelector('#exportBox').open")
        page.click("#exportNow")
        page.wait("return document.querySelector('#exportText').textContent.includes('1 image copied')")
        browser.get("about:blank")
    assert len(list((tmp_path / "labels").iterdir())) == len(list((tmp_path / "line").iterdir())) == 1

    workspace.snakemake("bundle")
    assert json.loads((tmp_path / BUNDLES / "newest.json").read_text())["number"] == 2
    # Old against new is said before the switch.
    assert "bundle 2 against 1" in nearlabel(tmp_path, "bundle", "use", "2", "--in", BUNDLES)
    for file in list(inbox.iterdir()):
        shutil.copy(file, inbox / f"again {file.name}")
        os.utime(inbox / f"again {file.name}")
    watch_once(tmp_path)
    after = latest(tmp_path)
    assert after[image] == (2, other, "person")
    assert {bundle for bundle, _, _ in after.values()} == {2} and after.keys() == before.keys()

    # What the first bundle said stays in the history.
    with reviewing(tmp_path) as address:
        page = ReviewPage(browser, address).open(None)
        page.js("document.querySelector(`[data-image='${arguments[0]}']`).click()", image)
        page.wait("return document.body.dataset.detailed === arguments[0]", image)
        assert page.text("#verdict h2") == other and "labelled by a person" in page.text("#verdict")
        assert f"bundle 2: {other}" in page.text("#details") and "bundle 1: " in page.text("#details")
        browser.get("about:blank")
