"""A camera of twelve bits in files of sixteen, through the whole workflow."""

import csv

import numpy as np
import pytest
from PIL import Image

from helpers.workspace import TINY, Workspace, copy_workflow

pytestmark = pytest.mark.slow

MADE = ("near_duplicates.csv", "grouping/root/clusters.csv", "learning/folds.csv")


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory):
    """The same pictures with 8 and with 12 bits, and what cannot be used beside the latter."""
    made = {}
    for bits in (8, 12):
        workspace = made[bits] = Workspace(tmp_path_factory.mktemp(f"bits{bits}"))
        copy_workflow(workspace.folder)
        for number in range(24):
            kind = "bad" if number % 3 == 0 else "good"
            noise = np.random.default_rng(number).normal(0, 60, (5, 8))
            picture = np.asarray(Image.fromarray(noise).resize((64, 40), Image.Resampling.BICUBIC)) + 120
            picture[10:14, 20:24] += 120 * (kind == "bad")
            values = np.clip(picture, 0, 255).astype(np.uint8)
            folder = workspace.folder / "images" / kind
            folder.mkdir(parents=True, exist_ok=True)
            values = values if bits == 8 else np.rint(values * (4095 / 255)).astype(np.uint16)
            Image.fromarray(values).save(folder / f"{number:02d}.{'png' if bits == 8 else 'tif'}")
        parts = {"kind": "image_folder", "root": "images", "near_labels": {"good": 0, "default": 1}}
        level = TINY["grouping"]["levels"][0] | {"encoders": ["texture"], "algorithms": ["kmeans"]}
        workspace.config = TINY | {
            "datasets": {"steel": parts},
            "grouping": TINY["grouping"] | {"levels": [level], "expand": []},
            "learning": TINY["learning"] | {"duplicate_distance": 0, "strategies": ["random"]},
        }
    Image.new("L", (1, 20_000)).save(made[12].folder / "images/good/strip.png")
    with open(made[12].folder / "images/good/vast.tif", "wb") as file:
        file.truncate(20 << 30)
    return made


def read(workspace, name):
    with open(workspace.folder / "results/tiny/steel" / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_images_of_12_bits_end_as_their_twins_of_8(workspaces):
    files = [f"results/tiny/steel/{name}" for name in MADE]
    done = {bits: workspace.snakemake(*files) for bits, workspace in workspaces.items()}
    shallow, deep = workspaces.values()
    assert {row["full_range"] for row in read(shallow, "images.csv")} == {""}
    assert {row["full_range"] for row in read(deep, "images.csv")} == {"4095"}
    said = "no image of 24 with 16 bits per sample uses more than 12 bits"
    assert said in done[12].stderr and said not in done[8].stderr
    assert [row["path"] for row in read(deep, "rejected.csv")] == ["images/good/strip.png", "images/good/vast.tif"]
    for name in MADE:
        found = [[{**row, "image_id": row["image_id"][:-4]} for row in read(one, name)] for one in (shallow, deep)]
        assert found[0] == found[1], name


def test_too_few_bits_reject_by_name(workspaces):
    deep = workspaces[12]
    deep.config = deep.config | {"datasets": {"steel": deep.config["datasets"]["steel"] | {"bits": 8}}}
    done = deep.snakemake("results/tiny/steel/images.csv", check=False)
    assert done.returncode != 0
    assert "outside the range from N to N, as bits: N says" in done.stdout + done.stderr
