"""A scripted person labels real images through the page in Chromium, round by round, until labelling is certified.

Run from the repository: ``python tests/benchmarks/label_tiles.py ../magnetic_tile``. Labels come from the masks beside
the images, the kind of defect from the folder. A round is what a user does: snakemake, the page opened from disk, a key
for each image, the answers saved and put into the folder of labels. Prints where each round stands, and at the end the
true recall beside the certificate. In ``--into``: the labels, ``status/{round}.json`` and a picture of the first page.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from helpers.label_pages import LabelPage, start_browser

REPOSITORY = Path(__file__).parents[2]
KEYS = {"good": "1", "blowhole": "2", "break": "3", "crack": "4", "fray": "5", "uneven": "6"}


def configure(arguments) -> dict:
    """The config of the run."""
    return {
        "run": "tiles",
        "seed": arguments.seed,
        "datasets": {"tiles": {"kind": "magnetic_tile", "root": str(Path(arguments.tiles).resolve())}},
        "features": {"weights": "imagenet"},
        "labelling": {
            "dataset": "tiles",
            "labels": [{"name": name, "key": key} for name, key in KEYS.items()],
            "encoder": {"name": "mobilenet_v2", "image_size": 128},
            "strategy": arguments.strategy,
            "certify": {"recall": arguments.recall},
            "batch_size": arguments.batch,
        },
    }


def run_snakemake(folder: Path, target: str) -> float:
    """Call snakemake as a user would; return the seconds that it took."""
    begun = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--directory",
        str(folder),
    ]
    command += ["--workflow-profile", str(REPOSITORY / "profiles/default"), "--cores", "all", target]
    command += ["--configfile", str(folder / "tiles.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, cwd=folder)
    if done.returncode:
        sys.exit(done.stderr[-4000:])
    return time.monotonic() - begun


def true_label(root: Path, image_id: str) -> str:
    """What the mask beside an image says; the kind of defect is its folder's."""
    mask = np.asarray(Image.open((root / image_id).with_suffix(".png")))
    return image_id.split("/")[0].removeprefix("MT_").lower() if mask.any() else "good"


def label_queue(page: LabelPage, truth: dict[str, str], queue: list[str]) -> Path:
    """Answer every image of the page by its key, and save the answers."""
    before = set(page.downloads.glob("labels-*.csv"))
    for image_id in queue:
        shown = page.text("#name")
        if shown != image_id:
            sys.exit(f"the page shows {shown!r} where the queue has {image_id!r}")
        page.press(KEYS[truth[image_id]])
    page.press("d")
    return page.wait_for_file(before)


def main() -> None:
    """Label until nothing is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tiles", help="folder with the MT_* folders")
    parser.add_argument("--into", default="label_tiles", help="folder of the run; must not exist")
    parser.add_argument("--strategy", default="most_likely_defect")
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder, root = Path(arguments.into).resolve(), Path(arguments.tiles)
    (folder / "status").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "tiles.yaml").write_text(yaml.safe_dump(configure(arguments)), encoding="utf-8")
    place = folder / "results/tiles/tiles/labelling"
    driver = start_browser(folder / "profile", folder / "downloads")
    truth: dict[str, str] = {}
    try:
        for number in range(1, arguments.rounds + 1):
            seconds = run_snakemake(folder, "next_batch")
            status = json.loads((place / "status.json").read_text(encoding="utf-8"))
            shutil.copy(place / "status.json", folder / f"status/{number:02d}.json")
            if not truth:
                with (folder / "results/tiles/tiles/images.csv").open(encoding="utf-8", newline="") as stream:
                    truth = {row["image_id"]: true_label(root, row["image_id"]) for row in csv.DictReader(stream)}
            total = sum(label != "good" for label in truth.values())
            left, certificate = status["defects_left"] or {}, status["certificate"]
            found, auc = status["defects"], status["validation"] and round(status["validation"]["auc"], 3)
            print(
                f"round {status['round']} ({seconds:.0f} s): {status['labelled']} labelled, {found} defects (true "
                f"recall {found / total:.3f}), left {left.get('low')} to {left.get('high')} (true {total - found}), "
                f"certifying takes {certificate['would_take']}, {certificate['state']}, AUC {auc}",
                flush=True,
            )
            with (place / "queue.csv").open(encoding="utf-8", newline="") as stream:
                queue = [row["image_id"] for row in csv.DictReader(stream)]
            if not queue:
                break
            page = LabelPage(driver, place / "label.html", folder / "downloads").open("scripted person")
            if number == 4:
                page.press("o")
                driver.save_screenshot(str(folder / "label.png"))
            begun = time.monotonic()
            shutil.move(label_queue(page, truth, queue), folder / "labels")
            print(f"  {len(queue)} images on the page in {time.monotonic() - begun:.1f} s", flush=True)
    finally:
        driver.quit()
    print(status["advice"])
    print(f"true recall: {status['defects'] / total:.4f} ({status['defects']} of {total} defects)")
    run_snakemake(folder, "finish")
    print(json.loads((place / "final/report.json").read_text(encoding="utf-8"))["sentence"])


if __name__ == "__main__":
    main()
