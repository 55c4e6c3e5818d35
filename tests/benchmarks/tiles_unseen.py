"""Two kinds of defects never seen: a bundle learns from four classes of magnetic tiles, the watcher meets all six.

Run from the repository: ``python tests/benchmarks/tiles_unseen.py ../magnetic_tile --into FOLDER``. Three
quarters of four classes become a data set of their own, near-duplicates on one side, and snakemake makes a bundle of
it. The other quarter and all images of the two unseen classes arrive in random order, and ``nearlabel watch --once``
labels them, at 1 % and 5 % false alarms. Prints what is flagged as novel by class, what is proposed and what it is
made of, and when drift gives an alarm; then, where a group was proposed at 1 %, ``nearlabel bundle adopt`` takes it
over, and what the next bundle says of images that were not proposed.
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from nearlabel.images.duplicates.groups import group_images
from nearlabel.images.duplicates.hashes import hash_images

REPOSITORY = Path(__file__).parents[2]
GOOD = "MT_Free"
RATES = (0.01, 0.05)
NEARLABEL = "from nearlabel.production.commands.main import main; import sys; sys.exit(main())"


def configure(folder: Path) -> dict:
    """The config of the run."""
    return {
        "run": "four",
        "seed": 0,
        "datasets": {"tiles": {"kind": "image_folder", "root": str(folder / "learnt")}},
        "features": {"weights": "imagenet", "image_size": 128, "device": "cpu"},
        "grouping": {
            "datasets": ["tiles"],
            "levels": [
                {
                    "encoders": ["mobilenet_v2"],
                    "reduction": {"method": "pca", "components": 50},
                    "algorithms": ["kmeans", "agglomerative"],
                    "ks": [2, 10],
                }
            ],
        },
        "production": {"dataset": "tiles", "normal": [GOOD], "false_alarms": min(RATES)},
    }


def deal_out(root: Path, folder: Path, unseen: list[str], seed: int) -> pd.DataFrame:
    """Put images into the data set and into the inbox; returns a table of them all, with the part of each."""
    paths = sorted(root.glob("MT_*/Imgs/*.jpg"))
    images = pd.DataFrame({"path": [str(path) for path in paths], "class": [path.parts[-3] for path in paths]})
    images["image_id"], images["part"] = images["path"], ""
    images["sha256"] = [f"{row:064x}" for row in range(len(images))]
    images["part"] = group_images(images, hash_images(images["path"]))
    rng = np.random.default_rng(seed)
    parts = images["part"].unique()
    learnt = set(rng.permutation(parts)[: round(0.75 * len(parts))].tolist())
    images["learnt"] = images["part"].isin(learnt) & ~images["class"].isin(unseen)
    shutil.rmtree(folder, ignore_errors=True)
    for row in images[images["learnt"]].itertuples():
        place = folder / "learnt" / row._2 / Path(row.path).name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(row.path, place)
    (folder / "inbox").mkdir()
    arriving = np.flatnonzero(~images["learnt"])
    for turn, row in enumerate(rng.permutation(arriving)):
        image = images.iloc[row]
        place = folder / "inbox" / f"{turn:04d}-part{image['part']}-{image['class']}.jpg"
        shutil.copyfile(image["path"], place)
        os.utime(place, (1_700_000_000 + turn, 1_700_000_000 + turn))
    return images


def run(folder: Path, *command: str) -> str:
    """Run a command in the folder; returns what it has said."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "workflow_scripts")}
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=folder, env=environment)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-4000:])
    return done.stdout + done.stderr


def make_bundle(folder: Path) -> Path:
    """Run the workflow; returns the folder of bundles."""
    (folder / "four.yaml").write_text(yaml.safe_dump(configure(folder)))
    profile = str(REPOSITORY / "profiles/default")
    run(
        *(folder, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--workflow-profile", profile),
        *("--cores", "all", "bundle", "--configfile", str(folder / "four.yaml")),
    )
    return folder / "results/four/tiles/bundles"


def watch(folder: Path, bundle: Path, rate: float, name: str) -> Path:
    """Label what has arrived; returns the database."""
    database = folder / f"{name}.sqlite"
    run(
        *(folder, "-c", NEARLABEL, "watch", str(folder / "inbox"), "--bundle", str(bundle), "--db", str(database)),
        *("--once", "--settle-s", "0.1", "--false-alarms", str(rate), "--part-from", r"part(\d+)", "--batch", "16"),
    )
    return database


def adopt(folder: Path, bundles: Path, database: Path) -> None:
    """Take the proposed groups over; print what the next bundle says of images that were not proposed."""
    with sqlite3.connect(database) as connection:
        events = connection.execute("SELECT detail FROM events WHERE kind = 'proposal'").fetchall()
        paths = dict(connection.execute("SELECT label_id, path FROM labels JOIN images USING (image_id)").fetchall())
    details = [json.loads(row[0]) for row in events]
    if not details:
        return
    nodes = [detail["node"] for detail in details]
    proposed = {paths[label_id] for detail in details for label_id in detail["label_ids"]}
    said = run(
        *(folder, "-c", NEARLABEL, "bundle", "adopt", "--in", str(bundles), "--db", str(database), "--accept", *nodes)
    )
    print(f"\n{said.strip().splitlines()[0]}")
    with sqlite3.connect(watch(folder, bundles / "2", min(RATES), "adopted")) as connection:
        rows = connection.execute("SELECT path, novel, node FROM labels JOIN images USING (image_id)").fetchall()
    print("| class | not proposed | novel by the next bundle | in a group taken over |\n|---|---|---|---|")
    for name in sorted({class_of(path) for path, _, _ in rows}):
        own = [(novel, node in nodes) for path, novel, node in rows if class_of(path) == name and path not in proposed]
        print(f"| {name} | {len(own)} | {np.mean([novel for novel, _ in own]):.1%} | {sum(new for _, new in own)} |")


def class_of(path: str) -> str:
    """The class in the name of a file that arrived."""
    return re.search(r"MT_\w+?(?=\.jpg)", path)[0]


def report(database: Path, rate: float, unseen: list[str]) -> None:
    """Print what the database says."""
    connection = sqlite3.connect(database)
    rows = connection.execute("SELECT label_id, path, novel, node FROM labels JOIN images USING (image_id)").fetchall()
    kind = {label_id: class_of(path) for label_id, path, _, _ in rows}
    print(f"\n{rate:.0%}: | class | images | flagged |\n|---|---|---|")
    for name in sorted(set(kind.values())):
        flags = [novel for label_id, _, novel, _ in rows if kind[label_id] == name]
        print(f"| {name}{' (never seen)' if name in unseen else ''} | {len(flags)} | {np.mean(flags):.1%} |")
    for first, last, what, sentence, detail in connection.execute(
        "SELECT first_label, last_label, kind, sentence, detail FROM events ORDER BY event_id"
    ):
        found = json.loads(detail)
        members = Counter(kind[one] for one in found.get("label_ids", ()))
        print(f"{what}, images {first} to {last}: {sentence} {dict(members)}")
        if members:
            new = sum(count for name, count in members.items() if name in unseen)
            print(f"  {new / members.total():.0%} of a kind never seen, tightness {found['tightness']:.2f}")
    connection.close()


def main() -> None:
    """Print what becomes of each pair of unseen classes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of the magnetic tile data set")
    parser.add_argument("--into", type=Path, required=True, help="folder to work in; runs in it are replaced")
    parser.add_argument("--unseen", nargs="+", default=["MT_Break,MT_Fray", "MT_Blowhole,MT_Uneven"], help="pairs")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for pair in options.unseen:
        unseen, started = pair.split(","), time.monotonic()
        folder = (options.into / "-".join(unseen)).resolve()
        images = deal_out(options.root.resolve(), folder, unseen, options.seed)
        print(f"\n# never seen: {' and '.join(unseen)}; {images['learnt'].sum()} images learnt from", flush=True)
        bundles = make_bundle(folder)
        facts = json.loads((bundles / "1/bundle.json").read_text())
        print(f"bundle: {facts['images']}, balanced accuracy {facts['scores']['balanced_accuracy']:.2f}")
        for rate in RATES:
            report(watch(folder, bundles, rate, f"labels-{rate}"), rate, unseen)
        adopt(folder, bundles, folder / f"labels-{min(RATES)}.sqlite")
        print(f"{time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
