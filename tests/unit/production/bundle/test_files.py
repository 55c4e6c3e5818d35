"""Bundles that are damaged, changed or foreign: one sentence each; a whole one comes back as it was written."""

import io
import json
import logging
import pickle
import shutil
import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from helpers.written_bundles import made_content, sign, write_made
from nearlabel.grouping.models.detectors import NearestCentreDetector
from nearlabel.grouping.models.saved import load_model, save_model
from nearlabel.grouping.models.trusted import write_skops
from nearlabel.hdf5 import hdf5_file
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.writing import write_bundle


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_made(tmp_path_factory.mktemp("bundles"), known={"a" * 64: "good"})


@pytest.fixture
def bundle(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copied")


def test_what_was_written_is_read(written):
    content, bundle = made_content({"a" * 64: "good"}), read_bundle(written)
    assert bundle.known == content.known and bundle.names == content.names
    for field in ("image_id", "sha256", "label", "node", "features", "place"):
        np.testing.assert_array_equal(getattr(bundle.reference, field), getattr(content.reference, field))
    assert bundle.reference.thumbnails == content.reference.thumbnails
    np.testing.assert_array_equal(bundle.calibration.novelty, content.calibration.novelty)
    assert list(bundle.calibration.nonconformity) == list(content.calibration.nonconformity)
    features = content.reference.features.astype(float)
    for name, node in content.nodes.items():
        np.testing.assert_array_equal(
            bundle.nodes[name].reduction.transform(features), node.reduction.transform(features)
        )
        np.testing.assert_array_equal(bundle.nodes[name].centres, node.centres)
    np.testing.assert_array_equal(
        bundle.model["pipeline"].predict(features), content.model["pipeline"].predict(features)
    )


def test_what_held_out_images_stand_for_is_read_too(tmp_path):
    content = made_content()
    own = {label: np.linspace(1, 9, len(scores)) for label, scores in content.calibration.nonconformity.items()}
    content = content._replace(calibration=content.calibration._replace(weights=own))
    folder = write_bundle(tmp_path, content)
    found = read_bundle(folder).calibration.weights
    assert found.keys() == own.keys()
    for label, weights in own.items():
        np.testing.assert_array_equal(found[label], weights)
    assert read_bundle(write_bundle(tmp_path / "plain", made_content())).calibration.weights == {}
    with hdf5_file(folder / "arrays.h5", "r+") as file:
        file["calibration/weights/0"][0] = 0
    sign(folder)
    with pytest.raises(
        ValueError, match=r"what its held-out images stand for does not fit them; make the bundle again"
    ):
        read_bundle(folder)


def change(name):
    def changed(folder):
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)

    return changed


def truncate(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-10])


def remove(name):
    return lambda folder: (folder / name).unlink()


def facts(**changes):
    def changed(folder):
        path = folder / "bundle.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return changed


def signed(edit):
    def changed(folder):
        edit(folder)
        sign(folder)

    return changed


def pickled(name):
    return signed(lambda folder: (folder / name).write_bytes(pickle.dumps({"root": print})))


def foreign_groups(folder):
    nodes = skops.io.load(folder / "groups.skops", trusted=skops.io.get_untrusted_types(file=folder / "groups.skops"))
    nodes["root"]["reduction"] = Pipeline([("scale", LinearRegression())])
    write_skops(folder / "groups.skops", nodes)


def model_among_groups(folder):
    nodes = skops.io.load(folder / "groups.skops", trusted=skops.io.get_untrusted_types(file=folder / "groups.skops"))
    nodes["root"]["centres"] = nodes["root"]["centres"][:, :, np.newaxis]
    write_skops(folder / "groups.skops", nodes)


def zip_of_code(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({"__class__": "system", "__module__": "os", "__loader__": "TypeNode"})
        )
    (folder / "groups.skops").write_bytes(content.getvalue())


def detector(folder):
    """A model that tells good images from others gives no labels."""
    model = load_model(folder / "model.skops")
    model["pipeline"] = Pipeline([("model", NearestCentreDetector().fit(np.eye(3)))])
    save_model(folder / "model.skops", model)


def short_labels(folder):
    with hdf5_file(folder / "arrays.h5", "r+") as file:
        del file["reference/label"]
        file["reference/label"] = ["good"]


def listed(name):
    def changed(folder):
        path = folder / "bundle.json"
        known = json.loads(path.read_text())
        known["files"][name] = "0" * 64
        path.write_text(json.dumps(known))
        sign_only(folder)

    return changed


def sign_only(folder):
    from nearlabel.production.bundle.facts import hash_facts

    path = folder / "bundle.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps(known | {"sha256": hash_facts(known)}))


DAMAGE = {
    "facts gone": (remove("bundle.json"), "no bundle is in use; it has none"),
    "facts cut": (truncate("bundle.json"), "bundle.json is damaged"),
    "facts changed": (facts(coverage=0.99), "bundle.json was changed since the bundle was made"),
    "facts of a later version": (facts(format=3), "format 3, this version reads 2"),
    "facts no mapping": (lambda folder: (folder / "bundle.json").write_text("[]"), "bundle.json is damaged"),
    "arrays gone": (remove("arrays.h5"), "arrays.h5 is missing; copy the bundle anew"),
    "arrays cut": (truncate("arrays.h5"), "arrays.h5 was changed since"),
    "arrays cut and signed": (signed(truncate("arrays.h5")), "arrays.h5 is damaged"),
    "arrays that do not fit": (signed(short_labels), "unlike numbers of features, labels and places"),
    "groups changed": (change("groups.skops"), "groups.skops was changed since"),
    "groups a pickle": (pickled("groups.skops"), "is no groups file (a skops file); a pickle is never read"),
    "groups foreign": (signed(foreign_groups), "is refused: its step 'scale' is sklearn.linear_model"),
    "groups of another shape": (signed(model_among_groups), "the centres of 'root' are no table"),
    "groups of code": (signed(zip_of_code), "groups.skops is"),
    "model changed": (change("model.skops"), "model.skops was changed since"),
    "model gone": (remove("model.skops"), "model.skops is missing"),
    "model a detector": (signed(detector), "model.skops is refused: it tells no labels"),
    "model a pickle": (pickled("model.skops"), "is no saved model (a skops file); a pickle is never read"),
    "known changed": (change("known.csv"), "known.csv was changed since"),
    "held out gone": (remove("held_out.csv"), "held_out.csv is missing"),
    "a file that no bundle has": (listed("run.py"), "lists 'run.py', which no bundle has"),
    "a file outside": (listed("weights/../../x"), "which no bundle has"),
    "weights above": (listed("weights/.."), "which no bundle has"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_one_sentence(bundle, name):
    damage, sentence = DAMAGE[name]
    damage(bundle)
    with pytest.raises((FileNotFoundError, ValueError)) as error:
        read_bundle(bundle)
    assert sentence in str(error.value) and "\n" not in str(error.value)
    assert "copied" in str(error.value)


def test_other_versions_are_said(tmp_path, caplog):
    content = made_content()
    facts = content.facts | {"library_versions": {"numpy": "1.0", "nowhere-to-be-found": "2.0"}}
    folder = write_bundle(tmp_path, content._replace(facts=facts))
    with caplog.at_level(logging.WARNING):
        read_bundle(folder)
    assert "bundle 1 was made with numpy 1.0, here is" in caplog.text
    assert "nowhere-to-be-found 2.0, here is none" in caplog.text


def test_weights_of_the_users_own_are_found_in_the_bundle(tmp_path):
    source = tmp_path / "own.pth"
    source.write_bytes(b"weights")
    content = made_content()
    encoder = content.facts["encoders"]["texture"]
    encoder |= {"own_weights": True, "weights_file": "abc-own.pth"}
    encoder["options"]["weights"] = "abc-own.pth"
    folder = write_bundle(tmp_path / "bundles", content._replace(weights={"abc-own.pth": source}))
    moved = folder.rename(tmp_path / "elsewhere")
    assert read_bundle(moved).facts["encoders"]["texture"]["options"]["weights"] == str(moved / "weights/abc-own.pth")
