"""Rounds of labelling through the workflow: what runs, what comes again to the byte, how it ends."""

import csv
import json
import os
import shutil

import pytest

from helpers.workspace import Workspace, copy_workflow
from nearlabel.config import load_config
from nearlabel.plan.report.reruns import list_changes
from nearlabel.plan.resolve import Plan

CONFIG = {
    "run": "tiny",
    "datasets": {
        "steel": {
            "kind": "synthetic",
            "count": 60,
            "height": 32,
            "width": 96,
            "defect_share": 0.4,
            "near_labels": {"good": 0, "default": 1},
        }
    },
    "features": {"weights": "seeded", "device": "cpu", "batch_size": 8},
    "labelling": {
        "dataset": "steel",
        "encoder": {"name": "resnet18", "image_size": 64},
        "labels": ["good", {"name": "scratch", "key": "x", "description": "a <b>line</b>"}, "other"],
        "batch_size": 12,
        "audit": 3,
        "epochs": 4,
        "folds": 3,
        "certify": {"recall": 0.5, "quiet": 1},
    },
}
PLACE = "results/tiny/steel/labelling"
ROUND = {"merge_answers", "choose_batch", "summarise_labelling", "write_label_page", "plot_labelling", "write_report"}
MADE = ["queue.csv", "predictions.csv", "status.json", "label.html", "labels.csv", "answers.csv", "overlays.h5"]


def read(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def truth(workspace):
    return {row["image_id"]: row["class"] for row in read(workspace.folder / "results/tiny/steel/images.csv")}


def answer(workspace, name, annotator="anna", minute=0, only=None, reverse=False):
    """Answer the queue as the masks say, in a file of labels."""
    known, folder = truth(workspace), workspace.folder / "labels"
    folder.mkdir(exist_ok=True)
    rows = [
        {
            "image_id": row["image_id"],
            "label": "good" if known[row["image_id"]] == "good" else "scratch",
            "annotator": annotator,
            "time": f"2026-01-01T00:{minute:02d}:00Z",
            "seconds": "1",
        }
        for row in read(workspace.folder / PLACE / "queue.csv")
    ][:only]
    with (folder / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(reversed(rows) if reverse else rows)


def status(workspace):
    return json.loads((workspace.folder / PLACE / "status.json").read_text(encoding="utf-8"))


def made(workspace):
    return {name: (workspace.folder / PLACE / name).read_bytes() for name in MADE}


def records(workspace):
    return {file.name: file.read_bytes() for file in (workspace.folder / "labels/rounds").iterdir()}


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Two rounds answered, the third asked for."""
    workspace = Workspace(tmp_path_factory.mktemp("labelling"))
    copy_workflow(workspace.folder)
    workspace.config = CONFIG
    workspace.snakemake("next_batch")
    first = status(workspace)
    assert first["chosen_by"] == "start:typiclust" and first["queue"] == 12
    answer(workspace, "labels-anna-1.csv")
    workspace.snakemake("next_batch")
    answer(workspace, "labels-anna-2.csv", minute=1)
    # Somebody else, who is not always of one mind with anna; and what nobody can use.
    answer(workspace, "labels-ben.csv", "ben", only=3)
    with (workspace.folder / "labels/labels-ben.csv").open("a", encoding="utf-8") as stream:
        stream.write('"nowhere.png","good","ben","",""\n')
    workspace.snakemake("next_batch")
    return workspace


@pytest.fixture
def copy(labelled, tmp_path):
    shutil.copytree(labelled.folder, tmp_path / "copy", symlinks=True)
    return Workspace(tmp_path / "copy")


def test_a_round_asks_for_what_has_no_label_and_is_on_record(labelled):
    queue, known = read(labelled.folder / PLACE / "queue.csv"), read(labelled.folder / PLACE / "labels.csv")
    assert list(queue[0]) == ["image_id", "rank", "purpose"]
    assert [row["rank"] for row in queue] == [str(rank) for rank in range(12)]
    assert not {row["image_id"] for row in queue} & {row["image_id"] for row in known}
    planned = json.loads((labelled.folder / "labels/rounds/0003.json").read_text(encoding="utf-8"))
    assert {row["image_id"] for row in queue if row["purpose"] == "audit"} == set(planned["picks"]["audit"])
    assert planned["chosen_by"] == "most_likely_defect"
    now = status(labelled)
    assert (now["round"], now["labelled"], now["problems"]) == (3, 24, 1)
    assert now["agreement"][0]["annotators"] == ["anna", "ben"] and now["agreement"][0]["images"] == 3
    assert now["defects_left"]["audited"] == 6
    page = (labelled.folder / PLACE / "label.html").read_text(encoding="utf-8")
    assert all(row["image_id"] in page for row in queue)
    # Nobody can tell which images were drawn.
    assert "audit" not in page.split('type="application/json"')[1].split("</script>")[0]
    report = (labelled.folder / "results/tiny/report/index.html").read_text(encoding="utf-8")
    assert "Certifying now would take" in report and "nowhere.png" in report


def test_the_same_labels_give_the_same_batch_and_no_new_round(copy):
    before, recorded = made(copy), records(copy)
    assert "Nothing to be done" in copy.snakemake("next_batch").stderr
    # The same labels in other files and in another order, the results made anew.
    for file in (copy.folder / "labels").glob("*.csv"):
        rows = read(file)
        file.unlink()
        with file.with_name(f"z{file.name}").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), delimiter=";")
            writer.writeheader()
            writer.writerows(reversed(rows))
    shutil.rmtree(copy.folder / PLACE)
    copy.snakemake("next_batch")
    assert made(copy) == before
    assert records(copy) == recorded


@pytest.mark.slow
def test_what_runs_again(copy):
    assert copy.jobs("next_batch") == set()
    config = copy.config
    config["labelling"]["labels"][2] = {"name": "other", "description": "whatever else"}
    copy.config = config
    assert copy.jobs("next_batch") == {"next_batch", "write_label_page", "write_report"}
    config["labelling"]["certify"]["recall"] = 0.9
    copy.config = config
    assert copy.jobs("next_batch") == (ROUND - {"merge_answers"}) | {"next_batch"}
    copy.config = CONFIG
    assert copy.jobs("next_batch") == set()
    # An older state of a file in its place.
    file = copy.folder / "labels/labels-ben.csv"
    kept, time = file.read_bytes(), file.stat().st_mtime - 1000
    file.write_bytes(kept.replace(b"ben", b"eva"))
    os.utime(file, (time, time))
    assert copy.jobs("next_batch") == ROUND | {"next_batch"}
    file.write_bytes(kept)
    answer(copy, "labels-anna-3.csv", minute=2)
    assert copy.jobs("next_batch") == ROUND | {"next_batch"}
    assert copy.jobs("finish") == {
        "finish", "train_final", "plot_final", "write_final_page",
        "merge_answers", "choose_batch", "summarise_labelling",
    }  # fmt: skip


def test_a_damaged_record_or_file_of_labels_stops_the_round_with_a_sentence(copy):
    answer(copy, "labels-anna-3.csv", minute=2)
    (copy.folder / "labels/cut.csv").write_bytes(b"")
    failed = copy.snakemake("next_batch", check=False)
    assert failed.returncode and "cut.csv" in failed.stderr.rstrip().splitlines()[-1]
    (copy.folder / "labels/cut.csv").unlink()
    (copy.folder / "labels/rounds/0002.json").write_text("{", encoding="utf-8")
    failed = copy.snakemake("next_batch", check=False)
    assert failed.returncode and "0002.json cannot be read" in failed.stderr.rstrip().splitlines()[-1]
    # What was there is there still.
    assert (copy.folder / PLACE / "queue.csv").exists()


@pytest.mark.slow
def test_to_the_end(copy):
    for number in range(3, 12):
        if not read(copy.folder / PLACE / "queue.csv"):
            break
        answer(copy, f"labels-anna-{number}.csv", minute=number)
        copy.snakemake("next_batch")
    now = status(copy)
    assert now["queue"] == 0 and now["advice"].startswith(("Stop: ", "Every image has a label"))
    known = truth(copy)
    assert now["defects"] >= 0.5 * sum(label != "good" for label in known.values())
    copy.snakemake("finish")
    final = copy.folder / PLACE / "final"
    report = json.loads((final / "report.json").read_text(encoding="utf-8"))
    assert report["recall"] >= 0.95 and report["labelled"] == now["labelled"] and report["drawn"] > 6
    predictions = read(final / "predictions.csv")
    assert [row["image_id"] for row in predictions] == list(known)
    called = {row["called_defective"] for row in predictions if float(row["probability"]) >= report["threshold"]}
    assert called == {"1"}
    assert "Labels for a second look" in (final / "index.html").read_text(encoding="utf-8")
    assert "Nothing to be done" in copy.snakemake("finish").stderr


def test_the_reports_table_says_what_more_labels_run_again():
    [change] = [made for made in list_changes(Plan(load_config(CONFIG))) if made["text"] == "More labels"]
    assert {rerun["rule"] for rerun in change["reruns"]} == ROUND
