"""The page to label on in a real Chromium: what a person does, and what is seen."""

import csv
import io
import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from helpers.late_pages import delay_pages
from nearlabel.labelling.page.writing import LabelKind, QueueImage, write_label_page

CHROMIUM, CHROMEDRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = "chromium or chromedriver is not installed (apt-get install chromium chromium-driver)"
KINDS = [LabelKind("good", "a"), LabelKind("scratch", "k"), LabelKind("pit", "w")]
PROGRESS = {"round": 2, "labelled": 64, "found": 5, "population": 1000, "advice": "Go on."}
# Each returns what came of it; the policy refuses all of them.
INTRUSIONS = {
    "an inline script": "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; "
    "document.body.append(s); done(window.ran ?? 'refused')",
    "an inline handler": "document.body.setAttribute('onclick', 'window.ran = 1'); document.body.click(); "
    "done(window.ran ?? 'refused')",
    "a style attribute": "const p = document.createElement('p'); p.setAttribute('style', 'color: rgb(1, 2, 3)'); "
    "document.body.append(p); done(getComputedStyle(p).color === 'rgb(1, 2, 3)' ? 'styled' : 'refused')",
    "a request": "fetch('https://example.invalid/').then(() => done('sent'), () => done('refused'))",
    "an image": "const i = new Image(); i.onerror = () => done('refused'); i.onload = () => done('loaded'); "
    "i.src = 'https://example.invalid/a.png'",
}


def draw(path: Path, seed: int, size=(60, 40)) -> str:
    """Save a grey image that no other seed has; return its path."""
    pixels = np.random.default_rng(seed).integers(60, 196, (size[1], size[0]), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return str(path)


def write_page(place: Path, ids, kinds=KINDS, overlays=(), **changes) -> Path:
    """Write a page whose queue has images of these ids; the first ones have overlays."""
    maps = dict(enumerate(overlays))
    queue = [QueueImage(name, draw(place / f"{i}.png", i), maps.get(i)) for i, name in enumerate(ids)]
    words = {"run": "tiles", "dataset": "plant", "progress": PROGRESS} | changes
    write_label_page(place / "label.html", queue=words.pop("queue", queue), kinds=kinds, **words)
    return place / "label.html"


def start_browser(profile: Path, downloads: Path, ratio: float | None = None) -> webdriver.Chrome:
    """Start Chromium with a profile of its own, 1280 by 800 pixels.

    With a ratio: as on a screen that has so many pixels for one of the page.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={profile}")
    if ratio is not None:
        # Emulated, a screen's ratio does not reach all that the page asks.
        options.add_argument(f"--force-device-scale-factor={ratio}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(CHROMEDRIVER))
    driver.set_script_timeout(20)
    delay_pages(driver)
    set_downloads(driver, downloads)
    if ratio is None:
        set_size(driver, 1280, 800)
    return driver


def set_downloads(driver, folder: Path) -> None:
    """Let files that the page offers come into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})


def set_size(driver, width: int, height: int) -> None:
    """Make the window so large, one pixel of the page a pixel of the screen."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def wait_for(driver, code: str, *arguments):
    """Wait until a script's result is true; return it.

    For all that a page does after the key or the click that asks for it: a dialog's ``close`` is an event of its own.
    """
    return WebDriverWait(driver, 15, poll_frequency=0.01).until(lambda driver: driver.execute_script(code, *arguments))


def wait_for_file(folder: Path, before: set[Path], pattern: str = "*.csv") -> Path:
    """Wait for a file that was not there before, whole."""
    for _ in range(750):
        # Before it is written, its name is there.
        if new := [file for file in set(folder.glob(pattern)) - before if file.stat().st_size]:
            return new[0]
        time.sleep(0.02)
    raise TimeoutError(f"no file came into {folder}")


class LabelPage:
    """One page in a browser."""

    def __init__(self, driver, path: Path, downloads: Path):
        self.driver, self.path, self.downloads = driver, path, downloads

    def open(self, annotator: str | None = "Ada") -> "LabelPage":
        """Open the page and say who labels; None: the name that is there."""
        self.driver.get(self.path.as_uri())
        self.wait("return document.querySelector('#who').open")
        self.begin(annotator)
        return self

    def begin(self, annotator: str | None) -> None:
        """Answer the question for the name."""
        if annotator is not None:
            # Typing leaves out characters outside the basic plane.
            self.js("document.querySelector('#nameField').value = arguments[0]", annotator)
        self.press(Keys.ENTER, settle=False)
        self.wait(
            "return !document.querySelector('#who').open && "
            "document.body.dataset.ready === document.querySelector('#nameField').value.trim()"
        )
        self.settle()

    def js(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, code: str, *arguments):
        """Wait until a script's result is true; return it."""
        return wait_for(self.driver, code, *arguments)

    def settle(self) -> None:
        """Wait until the image whose name is shown is itself shown."""
        self.wait(
            "return !document.querySelector('#grid').hidden || Number(document.querySelector('#stage').dataset.shown) "
            "=== parseInt(document.querySelector('#position').textContent) - 1"
        )

    def press(self, *keys: str, settle: bool = True) -> "LabelPage":
        """Press keys one after the other, each when the image before is seen."""
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()
            if settle:
                self.settle()
        return self

    def hold(self, modifier: str, *keys: str) -> None:
        """Press keys while another is held down."""
        chain = ActionChains(self.driver, duration=0).key_down(modifier)
        for key in keys:
            chain.send_keys(key)
        chain.key_up(modifier).perform()

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    @property
    def index(self) -> int:
        return int(self.text("#position").split("/")[0]) - 1

    @property
    def answered(self) -> int:
        return int(self.js("return document.body.dataset.answered"))

    def see(self, selector: str = "#stage") -> np.ndarray:
        """What is painted in a part of the page, RGB."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        box = self.js(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top, b.right, b.bottom].map((side) => Math.round(side * devicePixelRatio))",
            selector,
        )
        shot = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        return np.asarray(shot.crop(box)).astype(int)

    def save(self) -> list[dict[str, str]]:
        """Save the answers by key; return the rows of the file."""
        before = set(self.downloads.glob("labels-*.csv"))
        self.press("d")
        return read_answers(self.wait_for_file(before))

    def wait_for_file(self, before: set[Path]) -> Path:
        """Wait for a file of answers that was not there before."""
        return wait_for_file(self.downloads, before, "labels-*.csv")


def read_answers(path: Path) -> list[dict[str, str]]:
    """Read a file of answers as Python's csv does."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def messages(driver) -> list[str]:
    """What the console said since it was last asked."""
    return [entry["message"] for entry in driver.get_log("browser")]


def requests(driver) -> list[str]:
    """Addresses asked for since last asked; what lies in the page itself is none."""
    events = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    sent = (event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent")
    return [address for address in sent if not address.startswith(("data:", "blob:"))]


def processes_of(driver, kind: str) -> list[int]:
    """Ids of processes of the driver's own browser: those of the kind browser, renderer, ..."""
    parents, commands = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                commands[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    found, waiting = [], [driver.service.process.pid]
    while waiting:
        parent = waiting.pop()
        for child in (pid for pid, above in parents.items() if above == parent):
            waiting.append(child)
            _, named, rest = commands[child].partition("--type=")
            if (rest.split()[0] if named else "browser") == kind:
                found.append(child)
    if not found:
        raise RuntimeError(f"the browser has no process of the kind {kind}")
    return found


def kill(pids: list[int]) -> None:
    """Kill processes without warning."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
