import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from nearlabel.grouping.clustering.labels import Sweep, write_labels
from nearlabel.grouping.reduction.reduced import Reduction, write_reduced
from nearlabel.grouping.selection.catalogue import LABEL_BASED, LABEL_FREE
from nearlabel.report.grouping.candidate_views import ami_of, choice_lines, view_candidates, view_others
from nearlabel.report.grouping.pictures.candidates import CANDIDATE_COLUMNS, draw_candidates
from nearlabel.report.grouping.wording import CRITERION_NAMES

SIZES = [30, 12, 9, 8, 7, 6, 5, 4, 2, 1]
CANDIDATE = {"encoder": "texture", "algorithm": "kmeans", "k": 10, "reason": "finest that is stable"}


@pytest.fixture
def node(tmp_path):
    """Cluster c's images lie at 1000 c + 0, 1, 4, 9, …; raw labels run the other way."""
    rows, values, labels = [], [], []
    for cluster, size in enumerate(SIZES):
        for number in range(size):
            path = tmp_path / f"{cluster}_{number:02d}.png"
            Image.new("L", (40, 20), 20 * cluster + number).save(path)
            rows.append({"image_id": path.name, "path": str(path), "width": "40", "height": "20"})
            values.append([1000.0 * cluster + number**2])
            labels.append(9 - cluster)
    images = pd.DataFrame(rows)
    place = tmp_path / "tiles/grouping/root/winner"
    ids = images["image_id"].tolist()
    write_reduced(place / "reduced.h5", Reduction(np.array(values), "none", 1, np.array([]), False), ids, "texture")
    sweep = Sweep({2: np.arange(len(ids)) // 83, 10: np.array(labels)}, {2: [], 10: []}, [], {})
    write_labels(place / "labels/kmeans/k002-010.h5", ids, sweep, "kmeans")
    # Another encoder's labels lie beside.
    write_labels(place.with_name("other") / "labels/kmeans/k002-010.h5", ids, sweep, "kmeans")
    files = [place / "labels/kmeans/k002-010.h5", place.with_name("other") / "labels/kmeans/k002-010.h5"]
    return images, [place / "reduced.h5"], files


def test_the_largest_clusters_show_the_images_nearest_their_mean(node, tmp_path):
    index = draw_candidates([CANDIDATE], *node, tmp_path / "strips")
    assert list(index) == CANDIDATE_COLUMNS
    assert index["cluster"].unique().tolist() == list(range(8))
    assert index.groupby("cluster")["size"].first().tolist() == SIZES[:8]
    assert set(index["clusters"]) == {10} and set(index["images"]) == {sum(SIZES)}
    for cluster, size in enumerate(SIZES[:8]):
        places = np.arange(size) ** 2
        nearest = np.argsort(np.abs(places - places.mean()), kind="stable")[:4]
        own = index[index["cluster"] == cluster]
        assert own["image_id"].tolist() == [f"{cluster}_{number:02d}.png" for number in nearest]
    assert sorted(p.name for p in (tmp_path / "strips").iterdir()) == sorted(index["file"].unique())


def test_a_second_drawing_leaves_nothing_of_the_first(node, tmp_path):
    draw_candidates([CANDIDATE, CANDIDATE | {"k": 2}], *node, tmp_path / "strips")
    index = draw_candidates([], *node, tmp_path / "strips")
    assert (len(index), list(index)) == (0, CANDIDATE_COLUMNS)
    assert list((tmp_path / "strips").iterdir()) == []


def test_a_candidate_that_was_not_computed_is_named(node, tmp_path):
    for wrong in ({"k": 3}, {"algorithm": "spectral"}, {"encoder": "other"}):
        with pytest.raises(ValueError, match="was not computed; run select_clustering again"):
            draw_candidates([CANDIDATE | wrong], *node, tmp_path / "strips")


def test_an_unreadable_image_leaves_its_reason(node, tmp_path):
    (tmp_path / "8_00.png").write_bytes(b"")
    (tmp_path / "0_17.png").write_bytes(b"")
    index = draw_candidates([CANDIDATE], *node, tmp_path / "strips")
    assert index.loc[index["problem"] != "", "image_id"].tolist() == ["0_17.png"]


def test_candidates_say_what_they_hold_and_how_to_choose_them(node, tmp_path):
    scores = {"texture": pd.DataFrame({"algorithm": ["kmeans"] * 2, "k": [2, 10], "ami": [np.nan, 0.25]})}
    index = draw_candidates([CANDIDATE, CANDIDATE | {"k": 2}], *node, tmp_path / "strips")
    fine, coarse = view_candidates(index, tmp_path / "strips", "root.1", scores)
    assert (fine["ami"], fine["warning"], fine["reason"]) == (0.25, "", "finest that is stable")
    assert fine["rest"] == "and 2 more, with 3 images together"
    assert [strip["size"] for strip in fine["strips"]] == SIZES[:8]
    assert fine["strips"][0]["picture"].startswith("data:image/jpeg;base64,")
    assert (coarse["ami"], coarse["rest"], coarse["warning"]) == (None, "", "One group holds 98.8 % of the images")


def test_the_lines_to_paste_are_a_configuration():
    lines = choice_lines("root", {"encoder": "mobilenet_v2", "algorithm": "agglomerative", "k": 10})
    assert lines == "choose:\n  root: {encoder: mobilenet_v2, algorithm: agglomerative, k: 10}\n"
    odd = {"encoder": "1e3", "algorithm": "yes", "k": 2}
    assert yaml.safe_load(choice_lines("root.1.25", odd)) == {"choose": {"root.1.25": odd}}


def test_what_others_would_have_chosen():
    own = {"encoder": "texture", "algorithm": "kmeans", "k": 2}
    others = {"silhouette": own, "agreement": own | {"k": 7}, "new": own | {"encoder": "gone"}}
    scores = {"texture": pd.DataFrame({"algorithm": ["kmeans"] * 2, "k": [2, 7], "ami": [0.1, 0.8]})}
    first, second, third = view_others(own | {"others": others}, scores)
    assert (first["same"], first["ami"], "silhouette" in first["criterion"]) == (True, 0.1, True)
    assert (second["same"], second["ami"], "agreement" in second["criterion"]) == (False, 0.8, True)
    assert (third["criterion"], third["ami"]) == ("new", None)
    assert view_others(own, scores) == []
    assert ami_of({"texture": scores["texture"].drop(columns="ami")}, own) is None


def test_every_criterion_has_words_for_people():
    assert {*LABEL_FREE, *LABEL_BASED} <= set(CRITERION_NAMES)
