"""Bundles through the workflow: numbered, remade only where something is new, corrected by what people say."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from helpers.bundle_runs import BUNDLES, CONFIG, STEEL, nearlabel, watch_once
from helpers.workspace import Workspace, copy_workflow
from nearlabel.config import load_config
from nearlabel.images.synthetic import draw_strip
from nearlabel.plan.report.reruns import list_changes
from nearlabel.plan.resolve import Plan
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.commands.main import main
from nearlabel.production.labelled import MODEL, NETWORK, PERSON
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.review.connections import Database
from nearlabel.production.review.export import export_words
from nearlabel.production.review.reference import TrainingImages
from nearlabel.production.review.words import name_event

pytestmark = pytest.mark.slow


def start(folder, config):
    workspace = Workspace(folder)
    copy_workflow(folder)
    workspace.config = config
    return workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    workspace = start(tmp_path_factory.mktemp("bundles"), CONFIG)
    workspace.snakemake("bundle")
    return workspace


@pytest.fixture
def copy(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "copy", symlinks=True)
    return Workspace(tmp_path / "copy")


def rows(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def bytes_of(folder):
    return {file.relative_to(folder): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def answer(workspace, name, given):
    folder = workspace.folder / "labels"
    folder.mkdir(exist_ok=True)
    lines = [f"{image},{label},anna,2026-01-01T00:00:00Z,1\n" for image, label in given.items()]
    (folder / name).write_text("image_id,label,annotator,time,seconds\n" + "".join(lines), encoding="utf-8")


def note(workspace, name):
    return json.loads((workspace.folder / BUNDLES / name).read_text(encoding="utf-8"))["number"]


def test_nothing_new_makes_nothing(copy):
    assert copy.jobs("bundle") == set()
    assert (note(copy, "newest.json"), note(copy, "used.json")) == (1, 1)
    # Whatever makes the job run: the same content keeps its number.
    copy.snakemake("bundle", "--forcerun", "fit_bundle")
    assert note(copy, "newest.json") == 1 and not (copy.folder / BUNDLES / "2").exists()
    (copy.folder / BUNDLES / "newest.json").unlink()
    copy.snakemake("bundle")
    assert note(copy, "newest.json") == 1


def test_a_correction_is_known_to_the_next_bundle_and_the_old_one_stays(copy, capsys):
    before = bytes_of(copy.folder / BUNDLES / "1")
    wrong = rows(copy.folder / STEEL / "images.csv")[0]
    known = "defect" if wrong["class"] == "good" else "good"
    answer(copy, "labels-anna-1.csv", {wrong["image_id"]: known})
    config = copy.config
    [change] = [one for one in list_changes(Plan(load_config(config))) if one["text"] == "More labels"]
    assert (
        copy.jobs("bundle") - {"bundle"} == {"fit_bundle"} == {r["rule"] for r in change["reruns"]} - {"write_report"}
    )
    copy.snakemake("bundle")
    assert (note(copy, "newest.json"), note(copy, "used.json")) == (2, 1)
    assert bytes_of(copy.folder / BUNDLES / "1") == before
    image = copy.folder / wrong["path"]
    said = []
    for number in (1, 2):
        labeller = Labeller(read_bundle(copy.folder / BUNDLES / str(number)), device="cpu")
        said += labeller.label([labeller.prepare(image)])
    assert said[0].label_by in (MODEL, "") and (said[1].label, said[1].label_by) == (known, PERSON)
    assert said[0].lineage == said[1].lineage or said[0].novel != said[1].novel
    # A third version: groups and their names are those of the run.
    copy.config = config | {"production": config["production"] | {"coverage": 0.8}}
    copy.snakemake("bundle")
    bundles = [read_bundle(copy.folder / BUNDLES / str(number)) for number in (1, 2, 3)]
    assert [bundle.facts["coverage"] for bundle in bundles] == [0.9, 0.9, 0.8]
    for bundle in bundles[1:]:
        assert bundle.nodes.keys() == bundles[0].nodes.keys() and bundle.names == bundles[0].names
        assert all((bundle.nodes[name].centres == node.centres).all() for name, node in bundles[0].nodes.items())
    assert main(["bundle", "use", "3", "--in", str(copy.folder / BUNDLES)]) == 0
    assert "bundle 3 against 1" in capsys.readouterr().out and note(copy, "used.json") == 3


def draw_strips(folder, name, count, seed, relief=0):
    """Good strips; with a relief, of a kind that the run has not seen."""
    folder.mkdir(exist_ok=True)
    rng, paths = np.random.default_rng(seed), []
    checks = relief * (np.add.outer(np.arange(32) // 4, np.arange(96) // 4) % 2)
    for number in range(count):
        paths.append(folder / f"{name} {number}.png")
        strip = draw_strip("good", 32, 96, rng) + checks
        Image.fromarray(strip.clip(0, 255).astype(np.uint8)).save(paths[-1])
    return paths


def test_an_accepted_group_is_carried_over_and_its_label_learnt(copy):
    # Of novel images at most a fifth of the others are looked at.
    draw_strips(copy.folder / "inbox", "good", 100, 1)
    draw_strips(copy.folder / "inbox", "checked", 16, 2, relief=60)
    watch_once(copy.folder)
    database = Database(copy.folder / "labels.sqlite")
    try:
        with database.reading() as connection:
            [(event, detail)] = connection.execute("SELECT event_id, detail FROM events WHERE kind = 'proposal'")
        group = json.loads(detail)["node"]
        assert not name_event(database, "Ada", event, "checked", "1" * 32)[1]
        said = nearlabel(copy.folder, "bundle", "adopt", "--db", "labels.sqlite", "--in", BUNDLES, "--accept", group)
        assert "bundle 2 has the groups" in said
        nearlabel(copy.folder, "bundle", "use", "2", "--in", BUNDLES)
        # As the page does that shows this bundle.
        known_as = TrainingImages(read_bundle(copy.folder / BUNDLES)).image_id
        exported = export_words(database, copy.folder / "labels", copy.folder / "line", known_as)
    finally:
        database.close()
    assert exported.rows == exported.images == len(json.loads(detail)["image_ids"]) and not exported.problems
    config = copy.config
    copy.config = config | {"production": config["production"] | {"labels": ["checked"]}}
    copy.snakemake("bundle")
    bundles = [read_bundle(copy.folder / BUNDLES / str(number)) for number in (2, 3)]
    assert [bundle.names[group] for bundle in bundles] == ["checked"] * 2
    assert [bundle.facts["unlearnt"] for bundle in bundles] == [[group], []]
    assert (bundles[0].nodes["root"].centres == bundles[1].nodes["root"].centres).all()
    paths = draw_strips(copy.folder / "fresh", "checked", 12, 3, relief=60)
    labels = []
    for bundle in bundles:
        labeller = Labeller(bundle, device="cpu")
        found = [one for one in labeller.label([labeller.prepare(path) for path in paths]) if one.lineage == (group,)]
        assert len(found) >= 6
        labels.append([one.label for one in found])
    assert set(labels[0]) == {""} and labels[1].count("checked") >= 0.75 * len(labels[1]), labels


def test_a_job_that_fails_leaves_the_old_bundle(copy):
    config = copy.config
    config["production"]["false_alarms"] = 0.001
    copy.config = config
    done = copy.snakemake("bundle", check=False)
    assert done.returncode and "production.false_alarms: a rate of false alarms of 0.001 needs 999" in done.stderr
    assert note(copy, "newest.json") == note(copy, "used.json") == 1
    assert sorted(file.name for file in (copy.folder / BUNDLES).iterdir()) == [".lock", "1", "newest.json", "used.json"]


def test_the_target_without_the_section_is_one_sentence(copy):
    config = copy.config
    del config["production"]
    copy.config = config
    done = copy.snakemake("bundle", check=False)
    assert done.returncode and "bundle: the config has no section `production`" in done.stdout + done.stderr


def test_the_network_that_labelling_ended_with(tmp_path):
    config = CONFIG | {
        "labelling": {
            "dataset": "steel",
            "encoder": {"name": "resnet18", "image_size": 32},
            "labels": ["good", "scratch", "other"],
            "batch_size": 40,
            "audit": 3,
            "epochs": 4,
            "folds": 3,
        },
        "production": {"dataset": "steel", "label_by": "network", "false_alarms": 0.3},
    }
    workspace = start(tmp_path, config)
    workspace.snakemake("next_batch")
    classes = {row["image_id"]: row["class"] for row in rows(workspace.folder / STEEL / "images.csv")}
    queue = [row["image_id"] for row in rows(workspace.folder / STEEL / "labelling/queue.csv")]
    answer(workspace, "labels.csv", {image: "good" if classes[image] == "good" else "scratch" for image in queue})
    workspace.snakemake("bundle")
    bundle = read_bundle(workspace.folder / BUNDLES)
    assert bundle.facts["label_by"] == "network" and bundle.facts["labels"] == ["good", "defective"]
    assert bundle.facts["normal"] == ["good"] and bundle.model is None and len(bundle.known) == 40
    predictions = rows(workspace.folder / STEEL / "labelling/final/predictions.csv")
    judged = {row["image_id"] for row in predictions if row["judged_without"]}
    held = rows(bundle.folder / "held_out.csv")
    assert {row["image_id"] for row in held} == judged
    assert sum(map(len, bundle.calibration.nonconformity.values())) <= len(judged)
    assert "had not learnt from" in bundle.facts["scores"]["how"]
    labeller = Labeller(bundle, device="cpu")
    unknown = next(row for row in rows(workspace.folder / STEEL / "images.csv") if row["sha256"] not in bundle.known)
    [said] = labeller.label([labeller.prepare(workspace.folder / unknown["path"])])
    assert said.novel or (said.label_by == NETWORK and said.label in bundle.facts["labels"])
