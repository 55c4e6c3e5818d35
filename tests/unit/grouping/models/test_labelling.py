import numpy as np
import pytest
import torch
from PIL import Image

from helpers.trained_models import NETWORK, NOVEL, TEXTURE, draw_folder, train
from nearlabel.features.encoding import extraction as extract_module
from nearlabel.features.pooling.rows import NoveltyRows
from nearlabel.features.store import read_features
from nearlabel.grouping.models.labelling import label_folder
from nearlabel.grouping.models.saved import load_model, save_model
from nearlabel.images import geometry


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_folder(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def texture_model(folder, tmp_path_factory):
    return train(folder, tmp_path_factory.mktemp("texture"), TEXTURE, {"name": "decision_tree"})


@pytest.mark.parametrize(
    ("encoder", "model", "seed"),
    [
        (TEXTURE, {"name": "mlp", "parameters": {"max_iter": 100}}, None),
        (NETWORK, {"name": "svm"}, 7),
        (NETWORK, {"name": "nearest_centre"}, 7),
    ],
)
def test_the_images_it_learnt_get_the_pipeline_s_labels(folder, tmp_path, encoder, model, seed):
    path = train(folder, tmp_path, encoder, model, seed)
    found = label_folder(path, folder, device="cpu")
    store = read_features(tmp_path / "features" / f"{encoder['id']}.h5")
    pipeline = load_model(path)["pipeline"]
    features = store.features.astype(np.float64)
    assert list(found) == ["image_id", "path", "label", "score", "reason"]
    assert list(found["image_id"]) == list(store.image_id)
    assert (found["reason"] == "").all()
    if model["name"] == "nearest_centre":
        expected = np.where(pipeline.predict(features) == 1, "noise", "not noise")
        np.testing.assert_allclose(found["score"], -pipeline.decision_function(features))
    else:
        expected = pipeline.predict(features)
    assert list(found["label"]) == list(expected)
    if model["name"] == "mlp":
        np.testing.assert_allclose(found["score"], pipeline.predict_proba(features).max(axis=1))
    if model["name"] == "svm":
        np.testing.assert_allclose(found["score"], np.abs(pipeline.decision_function(features)))


@pytest.mark.parametrize("name", ["decision_tree", "nearest_centre"])
def test_clusters_are_named_as_groups(folder, tmp_path, name):
    path = train(folder, tmp_path, TEXTURE, {"name": name}, target="clusters")
    saved = load_model(path)
    other = tmp_path / "deep.skops"
    save_model(other, saved | {"node": "root.1"})
    found, deep = (label_folder(model, folder, device="cpu") for model in (path, other))
    features = read_features(tmp_path / "features/texture.h5").features.astype(np.float64)
    said = saved["pipeline"].predict(features)
    if name == "decision_tree":
        assert list(found["label"]) == [f"root.{cluster}" for cluster in said]
        assert list(deep["label"]) == [f"root.1.{cluster}" for cluster in said]
        np.testing.assert_allclose(found["score"], saved["pipeline"].predict_proba(features).max(axis=1))
    else:
        assert list(found["label"]) == ["root.0" if answer == 1 else "not root.0" for answer in said]
        assert list(deep["label"]) == ["root.1.0" if answer == 1 else "not root.1.0" for answer in said]


def test_an_empty_folder_is_named(texture_model, tmp_path):
    (tmp_path / "none" / "in here").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"none: the folder holds no file; name a folder of images"):
        label_folder(texture_model, tmp_path / "none", device="cpu")


def test_files_that_are_no_images_are_listed(texture_model, folder, tmp_path):
    (tmp_path / "a broken one.png").write_bytes((folder / "noise/00.png").read_bytes()[:200])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("about")
    only_bad = label_folder(texture_model, tmp_path, device="cpu")
    assert len(only_bad) == 3 and (only_bad["label"] == "").all()
    (tmp_path / "good one.png").write_bytes((folder / "noise/00.png").read_bytes())
    found = label_folder(texture_model, tmp_path, device="cpu").set_index("image_id")
    assert found.loc["good one.png", "label"] == "noise"
    reasons = found["reason"].to_dict()
    assert "truncated" in reasons["a broken one.png"]
    assert reasons["empty.jpg"] == "the file is empty (0 bytes)"
    assert reasons["notes.txt"].startswith("not an image by its suffix")
    assert found.loc[list(only_bad["image_id"]), "label"].eq("").all()
    assert found.loc[list(only_bad["image_id"]), "score"].isna().all()


def changed(path, to, **encoder):
    saved = load_model(path)
    save_model(to, saved | {"encoder": saved["encoder"] | encoder})
    return to


def test_other_weights_are_refused(folder, tmp_path):
    path = train(folder, tmp_path, NETWORK, {"name": "svm"}, seed=7)
    other = changed(path, tmp_path / "other.skops", seed=8)
    with pytest.raises(ValueError, match=r"was trained with weights of small whose SHA-256 begins with [0-9a-f]{12}"):
        label_folder(other, folder, device="cpu")


@pytest.fixture(scope="module")
def novel(folder, tmp_path_factory):
    """A folder with the model of an encoder that pools by novelty."""
    work = tmp_path_factory.mktemp("novel")
    train(folder, work, NOVEL, {"name": "svm"}, seed=7)
    return work


def test_features_pooled_by_novelty_label_as_they_were_trained(novel, folder, tmp_path, monkeypatch):
    made, extract = [], extract_module.write_features

    def spy(output, *arguments, **named):
        extract(output, *arguments, **named)
        made.append(read_features(output))

    monkeypatch.setattr(extract_module, "write_features", spy)
    # Elsewhere, with nothing but the model.
    model = tmp_path / "model.skops"
    model.write_bytes((novel / "model.out").read_bytes())
    found = label_folder(model, folder, device="cpu")
    store = read_features(novel / "features/small.h5")
    [again] = made
    assert list(found["image_id"]) == list(again.image_id) == list(store.image_id)
    np.testing.assert_array_equal(again.features, store.features)
    pipeline = load_model(model)["pipeline"]
    assert list(found["label"]) == list(pipeline.predict(store.features.astype(np.float64)))
    # A new image is held against the same reference set: what it gets depends on no other image of its folder.
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "a.png").write_bytes((folder / "noise/04.png").read_bytes())
    label = label_folder(model, alone, device="cpu")
    expected = found.set_index("image_id").loc["noise/04.png"]
    assert label.loc[0, "label"] == expected["label"] and label.loc[0, "score"] == pytest.approx(expected["score"])
    np.testing.assert_array_equal(made[1].features[0], store.features[list(store.image_id).index("noise/04.png")])


def test_a_model_without_or_with_a_damaged_reference_set_is_named(novel, folder, tmp_path):
    saved = load_model(novel / "model.out")["encoder"]
    model = tmp_path / "model.skops"
    changed(novel / "model.out", model, reference=None)
    with pytest.raises(ValueError, match=r"model\.skops lacks the reference set .*older version.*--forcerun"):
        label_folder(model, folder, device="cpu")
    for name, wrong in {"mean": saved["reference"]["mean"][:, :-1], "mixture": np.zeros(2), "counts": "text"}.items():
        changed(novel / "model.out", model, reference=saved["reference"] | {name: wrong})
        with pytest.raises(ValueError, match=r"model\.skops is damaged \(.*\); make it again"):
            label_folder(model, folder, device="cpu")


def test_features_of_an_older_version_cannot_train(novel, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(NoveltyRows, "keep", lambda _: None)
    monkeypatch.setattr(extract_module, "write_reference", lambda *_: None)
    with pytest.raises(ValueError, match=r"small\.h5 keeps no reference set.*--forcerun"):
        train(folder, tmp_path, NOVEL, {"name": "svm"}, seed=7)


def test_code_named_by_a_model_file_is_not_run(texture_model, folder, tmp_path):
    module, trace = tmp_path / "own.py", tmp_path / "trace"
    module.write_text(f"open({str(trace)!r}, 'w')\n")
    options = {"name": "custom", "module": str(module), "callable": "make", "weights": "own.pth"}
    custom = changed(texture_model, tmp_path / "custom.skops", options=options)
    with pytest.raises(ValueError, match=r"needs its custom encoder's Python file, .*own.py.* when it was trained"):
        label_folder(custom, folder, device="cpu")
    assert not trace.exists()


def test_a_custom_encoder_labels_with_the_module_that_the_caller_names(folder, tmp_path):

    module = tmp_path / "own.py"
    module.write_text(
        "from torch import nn\n"
        "def make():\n"
        "    return nn.Sequential(nn.Conv2d(3, 6, 5, 4), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten())\n"
    )
    state = {"0.weight": torch.randn(6, 3, 5, 5, generator=torch.Generator().manual_seed(0)), "0.bias": torch.zeros(6)}
    torch.save(state, tmp_path / "own.pth")
    encoder = NETWORK | {
        "name": "custom",
        "weights": str(tmp_path / "own.pth"),
        "module": str(module),
        "callable": "make",
    }
    path = train(folder, tmp_path, encoder, {"name": "svm"})
    moved = tmp_path / "moved.pth"
    (tmp_path / "own.pth").rename(moved)
    found = label_folder(path, folder, device="cpu", module=module, weights=moved)
    features = read_features(tmp_path / "features/small.h5").features.astype(np.float64)
    assert list(found["label"]) == list(load_model(path)["pipeline"].predict(features))


def test_other_versions_are_named(texture_model, folder, tmp_path, caplog):
    versions = {"torch": "0.1", "no-such-library": "1"}
    old = changed(texture_model, tmp_path / "old.skops", library_versions=versions)
    label_folder(old, folder, device="cpu")
    assert "was made with torch 0.1, here is" in caplog.text
    assert "no-such-library 1, here is none" in caplog.text


def test_new_images_are_scaled_as_those_that_it_learnt(texture_model, folder, tmp_path):
    """Images of 12 bits get the labels of their twins of 8 bits, where the model learnt from such images."""
    new = tmp_path / "new"
    new.mkdir()
    for path in sorted(folder.rglob("*.png")):
        deep = np.rint(np.asarray(Image.open(path)) * (4095 / 255)).astype(np.uint16)
        Image.fromarray(deep).save(new / path.name)
    Image.fromarray(np.full((40, 60), 5000, np.uint16)).save(new / "bright.png")
    saved = load_model(texture_model)
    assert saved["encoder"]["scale"] == {"bits": 16, "float_range": None}
    saved["encoder"]["scale"] = {"bits": 12, "float_range": None}
    save_model(tmp_path / "deep.skops", saved)
    found = label_folder(tmp_path / "deep.skops", new, device="cpu").set_index("image_id")
    expected = label_folder(texture_model, folder, device="cpu")
    for image, label, score in expected[["image_id", "label", "score"]].itertuples(index=False):
        assert tuple(found.loc[image.split("/")[1], ["label", "score"]]) == (label, score)
    assert found.loc["bright.png", "reason"].startswith("integer values from 5000 to 5000, outside the range")


def test_strips_too_thin_for_its_geometry_are_listed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(geometry, "MAX_PLACED_PIXELS", 100_000)
    path = train(folder, tmp_path, TEXTURE | {"geometry": "tile"}, {"name": "decision_tree"})
    new = tmp_path / "new"
    new.mkdir()
    Image.new("L", (1, 900), 40).save(new / "a.png")
    Image.new("L", (60, 40), 40).save(new / "b.png")
    found = label_folder(path, new, device="cpu")
    assert found["image_id"].tolist() == ["b.png", "a.png"]
    assert found["label"][0] != "" and "1 x 900 pixels would become" in found["reason"][1]
    (new / "b.png").unlink()
    assert label_folder(path, new, device="cpu")["reason"].str.contains("would become").all()
