"""From files of a run to what the explorer shows."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

from nearlabel.files import write_csv, write_json
from nearlabel.grouping.maps.measures import measure_images
from nearlabel.grouping.maps.node_map import map_images, write_map
from nearlabel.grouping.maps.suspects import SUSPECT_COLUMNS
from nearlabel.grouping.reduction.reduced import Reduced, Reduction
from nearlabel.labelling.rounds.record import Round, record_round
from nearlabel.report.explorer.checking import check_data
from nearlabel.report.explorer.collect import address_image, collect_explorer, view_node
from nearlabel.report.explorer.images import ALONE, DOUBTED, REPEATED, RIGHT, image_columns

IDS = [f"a/{i:02d}.png" for i in range(24)]


@pytest.fixture
def run(tmp_path):
    """The files of a run: 24 images, root with two clusters, its child root.0 with two; all that may be known."""
    folder = tmp_path / "results/r/d"
    rng = np.random.default_rng(0)
    sha = [f"{i}" for i in range(24)]
    sha[5] = sha[4]
    images = pd.DataFrame({"image_id": IDS, "path": [f"data/{i}" for i in IDS], "class": "scratch", "sha256": sha})
    write_csv(folder / "images.csv", images)
    near = ["0"] * 12 + ["1"] * 11 + [""]
    write_csv(folder / "near_labels.csv", pd.DataFrame({"image_id": IDS, "near_label": near}))
    write_csv(
        folder / "near_duplicates.csv",
        pd.DataFrame({"image_id": IDS, "duplicate_of": ["", IDS[0], *[""] * 22]}),
    )
    write_csv(
        folder / "grouping/suspects.csv",
        pd.DataFrame(
            {
                "image_id": [IDS[3], IDS[0]],
                "near_label": "0",
                "self_confidence": [0.1, np.nan],
                "suggested": ["1", "0"],
                "issue": [True, False],
                "nearest": [IDS[20], ""],
            }
        ),
    )
    (folder / "thumbnails").mkdir()
    (folder / "thumbnails/0000.webp").write_bytes(b"")
    index = {"side": 64, "columns": 6, "rows": 4, "sheets": 1, "note": "Strips.", "problems": {IDS[2]: "gone"}}
    write_json(folder / "thumbnails.json", index)
    nodes = []
    for node, rows in (("root.0", np.arange(12)[::-1]), ("root", np.arange(24))):
        ids = np.array(IDS, dtype=object)[rows]
        points = rng.normal(size=(len(rows), 3)) + 20 * (np.arange(len(rows)) >= len(rows) / 2)[:, np.newaxis]
        place = folder / "grouping" / node
        reduced = Reduced(Reduction(points, "none", 3, np.empty(0), False), ids, "texture")
        write_map(place / "map.h5", map_images(reduced, seed=0))
        clusters = pd.DataFrame({"image_id": ids, "cluster": (np.arange(len(rows)) >= len(rows) / 2).astype(int)})
        write_csv(place / "images.csv", measure_images(ids, points, clusters, seed=0))
        write_csv(place / "stability.csv", pd.DataFrame({"cluster": [0, 1], "stability": [0.25, np.nan]}))
        nodes.append(tuple(place / name for name in ("map.h5", "images.csv", "stability.csv")))
    files = {
        "images": folder / "images.csv",
        "near_labels": folder / "near_labels.csv",
        "duplicates": folder / "near_duplicates.csv",
        "suspects": folder / "grouping/suspects.csv",
        "thumbnails": folder / "thumbnails.json",
        **{key: [] for key in ("names", "columns", "model", "novelty", "queries", "labelling")},
    }
    return tmp_path, files, nodes


def columns_of(columns):
    return {column.key: column for column in columns}


def test_a_data_set_as_the_page_takes_it(run):
    folder, files, nodes = run
    names = folder / "names.csv"
    names.write_text("node,name\nroot.0,<b>good</b>\n", encoding="utf-8")
    data = collect_explorer(
        folder / "results/r/report/explorer/d.html",
        "r",
        "d",
        files | {"names": [names]},
        nodes,
        names_file="names.csv",
        labels=["good", "bad"],
        labels_folder="labels",
    )
    check_data(data)
    assert (data.run, data.dataset, data.image_ids) == ("r", "d", tuple(IDS))
    assert data.names == {"root.0": "<b>good</b>"} and data.names_file == "names.csv"
    assert data.labels == ("good", "bad") and data.labels_folder == "labels"
    assert data.thumbnails.files == (folder / "results/r/d/thumbnails/0000.webp",)
    assert data.thumbnails.note == "Strips. 1 images could not be read any more; their cells are crossed."
    assert [node.name for node in data.nodes] == ["root", "root.0"]
    root, child = data.nodes
    assert (root.title, child.title) == ("", "<b>good</b>")
    assert root.members.tolist() == list(range(24)) and child.members.tolist() == list(range(11, -1, -1))
    assert root.neighbors.shape == (24, 8) and child.neighbors.shape == (12, 8)
    assert [view.key for view in root.maps] == ["pca", "tsne"]
    assert "perplexity 7.67. Trustworthiness" in root.maps[1].note
    own = columns_of(root.columns)
    assert next(iter(own)) == "cluster" and own["cluster"].names == ("0 <b>good</b>", "1")
    assert own["cluster"].values.tolist() == [0] * 12 + [1] * 12
    assert own["cluster"].colors == own["nearest_prototype"].colors
    assert own["stability"].values[0] == 0.25 and np.isnan(own["stability"].values[-1])
    assert (own["silhouette"].values > 0.5).all()
    distances = own["distance"].values
    assert [int(own["cluster"].values[row]) for row in root.prototypes] == [0, 1]
    assert all(distances[row] == distances[own["cluster"].values == c].min() for c, row in enumerate(root.prototypes))


def test_what_is_known_of_all_images(run):
    found = columns_of(image_columns(pd.read_csv(run[1]["images"], dtype=str), run[1]))
    assert list(found) == ["near_label", "class", "suspicion", "issue", "duplicates"]
    assert found["near_label"].names == ("0", "1") and found["near_label"].values[-1] == -1
    assert found["class"].names == ("scratch",)
    assert found["suspicion"].values[3] == pytest.approx(0.9) and np.isfinite(found["suspicion"].values).sum() == 1
    assert found["issue"].names == (DOUBTED, RIGHT) and found["issue"].values[[0, 3, 9]].tolist() == [1, 0, -1]
    assert found["duplicates"].names == (REPEATED, ALONE)
    assert np.flatnonzero(found["duplicates"].values == 0).tolist() == [0, 1, 4, 5]


def test_without_near_labels_nothing_is_in_doubt(run):
    files = run[1]
    write_csv(files["near_labels"], pd.DataFrame({"image_id": IDS, "near_label": ""}))
    write_csv(files["suspects"], pd.DataFrame(columns=SUSPECT_COLUMNS))
    assert list(columns_of(image_columns(pd.read_csv(files["images"], dtype=str), files))) == ["class", "duplicates"]


def test_a_class_that_is_the_near_label_is_not_said_twice(run):
    images = pd.read_csv(run[1]["images"], dtype=str)
    images["class"] = ["0"] * 12 + ["1"] * 11 + [""]
    assert "class" not in columns_of(image_columns(images, run[1]))


def test_what_only_some_runs_know(run):
    folder, files, _ = run
    predictions, summary = folder / "predictions.csv", folder / "summary.json"
    write_csv(predictions, pd.DataFrame({"image_id": IDS[:2], "svm": ["0", "0"], "mlp": ["1", "not 0"]}))
    summary.write_text(json.dumps({"chosen": "mlp"}), encoding="utf-8")
    queries = folder / "queries.csv"
    write_csv(queries, pd.DataFrame({"round": [0, 3], "image_id": [IDS[7], IDS[8]], "score": ["", "0.5"]}))
    extra = folder / "columns.csv"
    write_csv(extra, pd.DataFrame({"image_id": IDS, "line": ["north", "south"] * 12, "near_label": range(24)}))
    given, said = folder / "labels.csv", folder / "said.csv"
    write_csv(given, pd.DataFrame({"image_id": [IDS[1]], "label": ["1"]}))
    write_csv(said, pd.DataFrame({"image_id": IDS, "probability": [0.25, *[""] * 23]}))
    for number, picks in ((1, {"start": [IDS[4]]}), (2, {"strategy": [IDS[5]], "audit": [IDS[6]]})):
        record_round(folder / "rounds", Round(number, "k", "p", [], [], picks, "random"))
    features = folder / "resnet18.h5"
    with h5py.File(features, "w") as file:
        file["image_id"], file["novelty"] = IDS[:3], np.array([0.5, 1, 2], np.float32)
        file["novelty_map"] = np.zeros((3, 4), np.float32)
        file["novelty_shape"] = np.full((3, 2), 2)
    more = {
        "model": [predictions, summary],
        "queries": [queries],
        "columns": [extra],
        "labelling": [given, said, folder / "queue.csv"],
        "novelty": [features],
    }
    images = pd.read_csv(files["images"], dtype=str)
    found = columns_of(image_columns(images, files | more, ["random"], folder / "rounds"))
    assert found["predicted"].names == ("1", "not 0") and found["predicted"].values[:3].tolist() == [0, 1, -1]
    assert found["predicted"].colors[0] == found["near_label"].colors[1] and "mlp" in found["predicted"].note
    assert found["round_random"].values[7:9].tolist() == [0, 3] and np.isnan(found["round_random"].values[0])
    assert found["label"].names == ("1",) and found["probability"].values[0] == 0.25
    assert found["asked"].values[4:7].tolist() == [1, 2, 2]
    assert found["novelty"].values[:3].tolist() == [0.5, 1, 2] and "resnet18" in found["novelty"].note
    # A column of the user's may be called as one of ours.
    assert (found["column_0"].title, found["column_0"].names) == ("line", ("north", "south"))
    assert found["column_1"].title == "near_label" and found["column_1"].names is None


def test_addresses_of_images(tmp_path):
    folder = tmp_path / "results/r/report/explorer"
    assert address_image("/data/a b.png", folder) == "/data/a b.png"
    assert address_image("results/r/d/a.png", type(folder)("results/r/report/explorer")) == "../../d/a.png"


def test_files_of_other_images_are_refused(run):
    _, _, nodes = run
    with pytest.raises(ValueError, match="is of other images than"):
        view_node(nodes[0][0], nodes[1][1], nodes[0][2], IDS, {}, {})
    with pytest.raises(ValueError, match="is of other images than"):
        view_node(*nodes[1], IDS[:5], {}, {})
