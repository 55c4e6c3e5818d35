"""The page to label on, in Chromium: how soon the next image is there, and what is left after the browser was killed.

Run from the repository: ``python tests/benchmarks/label_page.py``. 200 images, answered by keyboard without a pause,
which no person does: a pause only gives the page more time to decode what comes next. Measured in the page from the key
to the first moment after the frame that has the next image. Goal: 95 of 100 below 50 ms. Then, 20 times each: six
answers, and the browser is killed at once, with both of the places where the page keeps them and with either alone.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.label_pages import KINDS, LabelPage, kill, processes_of, start_browser, write_page
from nearlabel.labelling.page.writing import QueueImage

SIZES = ((256, 256), (1600, 256), (1024, 1024), (2048, 2048))
MEASURE = """
window.times = [];
let pressed = null;
addEventListener("keydown", () => { pressed = performance.now(); }, true);
const stage = document.getElementById("stage");
new MutationObserver(() => {
  // Not there yet: it is still being decoded.
  if (stage.dataset.shown === "-1") return;
  const start = pressed;
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => window.times.push(performance.now() - start);
    channel.port2.postMessage(0);
  });
}).observe(stage, { attributeFilter: ["data-shown"] });
"""
WITHOUT = {
    "both": "",
    "localStorage alone": "IDBFactory.prototype.open = () => { throw new Error('no'); };",
    "IndexedDB alone": "Storage.prototype.setItem = () => { throw new Error('no'); };",
}


def draw(folder: Path, number: int, size: tuple[int, int]) -> str:
    """Save a grey image with some texture."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.normal(128, 30, (size[1] // 16, size[0] // 16)).clip(0, 255).astype(np.uint8))
    pixels = np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) + rng.normal(0, 3, (size[1], size[0]))
    path = folder / f"{number}.png"
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, compress_level=1)
    return str(path)


def measure_keys(driver, folder: Path, size: tuple[int, int], count: int) -> str:
    """Answer all images of a page by key; describe the times."""
    place = folder / f"{size[0]}"
    place.mkdir()
    queue = [QueueImage(f"{i}.png", draw(place, i, size), np.eye(7)) for i in range(count)]
    path = write_page(place, [], queue=queue, run=str(size))
    page = LabelPage(driver, path, folder / "downloads").open()
    page.js(MEASURE)
    for number in range(count - 1):
        page.press(KINDS[number % 3].key)
        page.wait("return window.times.length > arguments[0]", number)
    times = np.array(page.js("return window.times"))
    middle, p95 = np.percentile(times, [50, 95])
    return (
        f"{size[0]} x {size[1]}: file {path.stat().st_size / 1e6:.0f} MB, {len(times)} keys, "
        f"median {middle:.0f} ms, p95 {p95:.0f} ms, longest {times.max():.0f} ms"
    )


def count_lost(folder: Path, before: str, times: int) -> list[int]:
    """Kill the browser at once after the sixth answer; return how many were lost each time."""
    lost = []
    for number in range(times):
        place = folder / str(number)
        path = write_page(place, [f"{i}.png" for i in range(8)])
        for again in (False, True):
            driver = start_browser(place / "profile", place / "downloads")
            if before:
                driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": before})
            page = LabelPage(driver, path, place / "downloads").open()
            if again:
                lost.append(6 - page.answered)
                driver.quit()
                continue
            pids = processes_of(driver, "browser")
            page.press(*"akwakw")
            kill(pids)
            driver.service.stop()
            for name in ("SingletonLock", "SingletonCookie", "SingletonSocket"):
                (place / "profile" / name).unlink(missing_ok=True)
    return lost


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        driver = start_browser(folder / "profile", folder / "downloads")
        try:
            for size in SIZES:
                print(measure_keys(driver, folder, size, arguments.images), flush=True)
        finally:
            driver.quit()
        for number, (kept, before) in enumerate(WITHOUT.items()):
            lost = count_lost(folder / f"kills{number}", before, arguments.kills)
            print(f"killed browser, {kept}: {sum(lost)} of {6 * len(lost)} answers lost ({lost})", flush=True)


if __name__ == "__main__":
    main()
