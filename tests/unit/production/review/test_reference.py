import numpy as np
import pytest

from helpers.bundles import make_bundle
from nearlabel.production.review.reference import TrainingImages


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    return TrainingImages(make_bundle(tmp_path_factory.mktemp("bundle")))


def test_places_keep_their_shape(training):
    found = training.map()
    reference = training.bundle.reference
    assert len(found["x"]) == len(reference.image_id)
    steps = np.array([found["x"], found["y"]]).T
    assert steps.min() == 0 and steps.max() == 10_000
    # One scale for both axes, up to the rounding of a step.
    spans, places = np.ptp(steps, axis=0), np.ptp(reference.place, axis=0)
    assert spans[0] / spans[1] == pytest.approx(places[0] / places[1], rel=1e-2)
    names = [found["labels"][number] for number in found["label"]]
    assert names == list(reference.label)
    for row in (0, 17):
        assert training.place(list(reference.place[row])) == [found["x"][row], found["y"][row]]
    # What lies beside the map is shown at its edge.
    assert max(training.place([1e9, 0.0])) == 10_000 and training.place(None) is None


def test_places_that_are_none(training):
    reference = training.bundle.reference
    place = reference.place.copy()
    place[3] = np.nan
    some = TrainingImages(training.bundle._replace(reference=reference._replace(place=place)))
    assert len(some.map()["x"]) == len(place) - 1
    none = TrainingImages(training.bundle._replace(reference=reference._replace(place=np.full_like(place, np.nan))))
    assert none.map()["x"] == [] and none.place([0.0, 0.0]) is None


def test_held_out_images_are_of_the_data_set_too(tmp_path):
    bundle = make_bundle(tmp_path)
    (tmp_path / "held_out.csv").write_text('"image_id","sha256","label"\n"a b.png","ff","good"\n', encoding="utf-8")
    training = TrainingImages(bundle)
    assert training.image_id("ff") == "a b.png" and training.image_id(str(bundle.reference.sha256[0]))
    assert training.scale.bits == 16
    (tmp_path / "held_out.csv").write_text('"image_id","sha256","label"\n"line/b.png","ff","good"\n', encoding="utf-8")
    assert TrainingImages(bundle).image_id("ff") is None


def test_training_images_are_found(training):
    reference = training.bundle.reference
    neighbors = [{"image_id": str(reference.image_id[5])}, {"image_id": "elsewhere"}]
    assert [one["row"] for one in training.add_rows(neighbors)] == [5, None]
    assert training.thumbnail(5) == reference.thumbnails[5] and training.thumbnail(5)[:4] == b"RIFF"
    assert training.thumbnail(-1) is training.thumbnail(10**6) is None
    assert training.image_id(str(reference.sha256[5])) == reference.image_id[5] and training.image_id("x") is None
    described = training.describe()
    assert described["labels"] == ["good", "scratches", "inclusions"] and described["names"]["root.1"] == "Scratched"
