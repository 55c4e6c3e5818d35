"""The explorer in a real Chromium: what a person does, and what is seen."""

import csv
import io
from pathlib import Path

import numpy as np
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains

from helpers.label_pages import wait_for, wait_for_file
from nearlabel.report.explorer.data import ExplorerData


class ExplorerPage:
    """One page in a browser."""

    def __init__(self, driver, path: Path, downloads: Path):
        self.driver, self.path, self.downloads = driver, path, downloads

    def open(self) -> "ExplorerPage":
        self.driver.get(self.path.as_uri())
        self.wait("return document.body.dataset.ready")
        # Where a test before left it, the mouse would point at something.
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": 1, "y": 1})
        self.frame()
        return self

    def js(self, code: str, *arguments):
        return self.driver.execute_script(code, *arguments)

    def wait(self, code: str, *arguments):
        """Wait until a script's result is true; return it."""
        return wait_for(self.driver, code, *arguments)

    def frame(self) -> None:
        """Wait until what was asked for is painted."""
        self.driver.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")

    def press(self, *keys: str) -> None:
        for key in keys:
            ActionChains(self.driver, duration=0).send_keys(key).perform()

    def hold(self, modifier: str, *keys: str) -> None:
        chain = ActionChains(self.driver, duration=0).key_down(modifier)
        for key in keys:
            chain.send_keys(key)
        chain.key_up(modifier).perform()

    def text(self, selector: str) -> str:
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def focus_map(self) -> None:
        """Give the map the focus, as the key Tab does."""
        self.js("document.getElementById('map').focus({ focusVisible: true })")

    @property
    def said(self) -> str:
        return self.text("#said")

    @property
    def selected(self) -> int:
        return int(self.js("return document.body.dataset.selected"))

    @property
    def shown(self) -> int:
        return int(self.js("return document.body.dataset.shown"))

    def choose(self, selector: str, value: str) -> None:
        """Choose an option as a person does; of a node or a map, wait until it is there."""
        self.js(
            "const field = document.querySelector(arguments[0]); field.value = arguments[1];"
            "field.dispatchEvent(new Event('change', { bubbles: true }))",
            selector,
            value,
        )
        if selector == "#node":
            self.wait("return document.body.dataset.ready.startsWith(`${arguments[0]}/`)", value)
        self.frame()

    def pixels(self, selector: str) -> np.ndarray:
        """What the canvas of a thumbnail holds once it is decoded, RGB."""
        self.wait("return document.querySelector(arguments[0]).dataset.shown", selector)
        side, *values = self.js(
            "const canvas = document.querySelector(arguments[0]), { width, height } = canvas;"
            "const copy = Object.assign(document.createElement('canvas'), { width, height });"
            "const context = copy.getContext('2d', { willReadFrequently: true });"
            "context.drawImage(canvas, 0, 0);"
            "return [width, ...context.getImageData(0, 0, width, height).data]",
            selector,
        )
        return np.array(values, dtype=int).reshape(-1, side, 4)[..., :3]

    def see(self, selector: str) -> np.ndarray:
        """What is painted in a part of the page, RGB; what the page says lies over none."""
        self.js("document.getElementById('said').classList.remove('fresh')")
        self.js("document.getElementById('said').style.transition = 'none'")
        self.frame()
        box = self.js(
            "const b = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [b.left, b.top, b.right, b.bottom].map((side) => Math.round(side * devicePixelRatio))",
            selector,
        )
        shot = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        return np.asarray(shot.crop(box)).astype(int)

    def selected_names(self) -> list[str]:
        """Names of the selected images as the list has them, for at most some hundred."""
        return self.js(
            "const grid = document.getElementById('grid'); const names = new Map();"
            "const take = () => { for (const cell of grid.querySelectorAll('[role=option]'))"
            " names.set(Number(cell.getAttribute('aria-posinset')), cell.title); };"
            "if (!document.body.dataset.selected || document.body.dataset.selected === '0') return [];"
            "for (let top = 0; top <= grid.scrollHeight; top += 100) {"
            " grid.scrollTop = top; grid.dispatchEvent(new Event('scroll')); take(); }"
            "return [...names].sort((a, b) => a[0] - b[0]).map((pair) => pair[1])"
        )

    def places(self, data: ExplorerData, node: int = 0, view: int = 0) -> np.ndarray:
        """Where the points of a node lie on the whole map, in pixels of the page from the map's corner."""
        width, height = self.js("const b = document.getElementById('map'); return [b.clientWidth, b.clientHeight]")
        points = data.nodes[node].maps[view].points.astype(float)
        low, high = points.min(axis=0), points.max(axis=0)
        reach = np.maximum(high - low, (high - low).max() / 20)
        scale = min(width / reach[0], height / reach[1]) * (1 - 2 * 0.06)
        return np.c_[width / 2, height / 2] + (points - (low + high) / 2) * (scale, -scale)

    def pointer(self, kind: str, x: float, y: float, **more) -> None:
        """A movement or a button of the mouse over the map."""
        self.js(
            "const box = document.getElementById('map'); const b = box.getBoundingClientRect();"
            "box.dispatchEvent(new PointerEvent(arguments[0], { bubbles: true, cancelable: true, pointerId: 1,"
            " button: 0, clientX: b.left + box.clientLeft + arguments[1],"
            " clientY: b.top + box.clientTop + arguments[2], ...arguments[3] }))",
            kind,
            float(x),
            float(y),
            more,
        )

    def drag(self, corners, **keys) -> None:
        """Drag the mouse itself over the map, from corner to corner."""
        box = self.driver.find_element("id", "map")
        left, top, width, height = self.js(
            "const m = document.getElementById('map');return [m.clientLeft, m.clientTop, m.offsetWidth, m.offsetHeight]"
        )
        chain = ActionChains(self.driver, duration=0)
        moves = [(round(x + left - width / 2), round(y + top - height / 2)) for x, y in corners]
        for key in keys.get("held", ()):
            chain.key_down(key)
        chain.move_to_element_with_offset(box, *moves[0]).click_and_hold()
        for x, y in moves[1:]:
            chain.move_to_element_with_offset(box, x, y)
        chain.release()
        for key in keys.get("held", ()):
            chain.key_up(key)
        chain.perform()
        self.frame()

    def hover(self, x: float, y: float) -> int:
        """Point at a place; return the row whose card is shown, -1 for none, its thumbnail there."""
        self.pointer("pointermove", x, y)
        row = self.js(
            "const card = document.getElementById('card'); return card.hidden ? -1 : Number(card.dataset.row)"
        )
        if row >= 0:
            self.wait("return document.getElementById('cardPicture').dataset.shown")
        return row

    def save(self, kind: str) -> Path:
        """Save what was given, as the box of changes offers it; return the file."""
        before = set(self.downloads.glob("*.csv"))
        self.click(f"[data-save={kind}]")
        return wait_for_file(self.downloads, before)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a file as Python's csv does."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))
