import numpy as np
import pytest

from helpers.bundles import draw_images, make_bundle
from nearlabel.production.bundle.contents import NETWORK
from nearlabel.production.labelled import NETWORK as BY_NETWORK
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.labeller.labels import network_scores
from nearlabel.production.novelty.sets import nonconformity

SETTINGS = {"name": "shufflenet_v2_x0_5", "weights": "seeded", "geometry": "squash", "image_size": 32, "threads": 1}


def test_the_threshold_parts_the_labels():
    scores = network_scores(np.array([0.1, 0.3, 0.9]), 0.3)
    assert (scores[:, 1] >= scores[:, 0]).tolist() == [False, True, True]
    # How strange good and defective would be rises and falls with the probability.
    np.testing.assert_allclose(nonconformity(scores), [[-0.2, 0.2], [0, 0], [0.6, -0.6]])


def make_network_bundle(folder, fine_tune, threshold, settings=SETTINGS):
    from nearlabel.labelling.final.saved import save_model
    from nearlabel.learning.network.model import build_classifier

    classifier = build_classifier(settings, fine_tune=fine_tune, seed=1, weights_seed=2, device="cpu")
    facts = {"network": settings, "fine_tune": fine_tune, "weights_seed": 2, "threshold": threshold}
    save_model(folder / NETWORK, classifier, facts | {"labels": ["good", "scratches", "inclusions"], "good": "good"})
    bundle = make_bundle(folder)
    facts = bundle.facts | {"label_by": BY_NETWORK, "labels": ["good", "defective"]}
    strange = {"good": np.linspace(-1, 1, 30), "defective": np.linspace(-1, 1, 12)}
    calibration = bundle.calibration._replace(nonconformity=strange)
    return bundle._replace(facts=facts, model=None, calibration=calibration), classifier


@pytest.mark.slow
@pytest.mark.parametrize("fine_tune", ["full", "head"])
def test_labels_by_the_network_that_labelling_ended_with(fine_tune, tmp_path):
    import torch

    from nearlabel.images.reading import read_image
    from nearlabel.learning.data.decode import network_placement

    paths = draw_images(tmp_path / "in", 9)
    _, classifier = make_network_bundle(tmp_path, fine_tune, 0.5)
    classifier.trained.eval()
    with torch.inference_mode():
        placed = np.concatenate([network_placement(SETTINGS)(read_image(path)) for path in paths])
        values = classifier.take(placed)
        values = values if classifier.frozen is None else classifier.frozen(values)
        known = torch.softmax(classifier.trained(values).double(), 1)[:, 1].numpy()
    # In the middle, so that both labels come.
    bundle, _ = make_network_bundle(tmp_path, fine_tune, float(np.median(known)))
    labeller = Labeller(bundle, device="cpu", false_alarms=0.08)
    prepared = [labeller.prepare(path) for path in paths]
    said = labeller.label(prepared)
    assert not all(one.novel for one in said)
    for one, probability in zip(said, known, strict=True):
        if not one.novel:
            assert one.label == ("defective" if probability >= np.median(known) - 1e-9 else "good")
            assert one.label_by == BY_NETWORK and one.label in one.label_set
    for one, alone in zip(said, (labeller.label([image])[0] for image in prepared), strict=True):
        assert (one.p_value, one.confidence, one.label) == (alone.p_value, alone.confidence, alone.label)
    with pytest.raises(ValueError, match="needs torch"):
        Labeller(bundle, runtime="onnx")


def test_a_users_own_weights_lie_in_the_bundle(tmp_path):
    import torch
    from torchvision.models import shufflenet_v2_x0_5

    from nearlabel.production.bundle.contents import WEIGHTS

    torch.manual_seed(3)
    own = tmp_path / "own.pth"
    torch.save(shufflenet_v2_x0_5().state_dict(), own)
    bundle, classifier = make_network_bundle(tmp_path, "head", 0.5, SETTINGS | {"weights": str(own)})
    kept = f"{classifier.weights_sha256[:12]}-own.pth"
    (tmp_path / WEIGHTS).mkdir()
    own.rename(tmp_path / WEIGHTS / kept)
    image = draw_images(tmp_path / "in", 1)[0]
    with pytest.raises(FileNotFoundError, match=r"own\.pth"):
        Labeller(bundle, device="cpu", false_alarms=0.08)
    bundle = bundle._replace(facts=bundle.facts | {"network_weights": kept})
    labeller = Labeller(bundle, device="cpu", false_alarms=0.08)
    assert np.isfinite(labeller.label([labeller.prepare(image)])[0].p_value)
    (tmp_path / WEIGHTS / kept).write_bytes((tmp_path / NETWORK).read_bytes())
    with pytest.raises(ValueError, match=r"state dict|SHA-256"):
        Labeller(bundle, device="cpu", false_alarms=0.08)
