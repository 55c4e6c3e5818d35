import dataclasses

import numpy as np
import pytest

from helpers.bundles import KINDS, UNSEEN, draw_images, make_bundle
from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.labelled import MODEL, PERSON
from nearlabel.production.labeller.folder import label_files
from nearlabel.production.labeller.labeller import Labeller


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp("inbox"), 40)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def labeller(bundle):
    return Labeller(bundle)


@pytest.fixture(scope="module")
def prepared(labeller, images):
    return [labeller.prepare(path) for path in images]


@pytest.fixture(scope="module")
def said(labeller, prepared):
    return labeller.label(prepared)


def same(one, other):
    whole = [dataclasses.asdict(each) | {"vector": each.vector.tobytes()} for each in (one, other)]
    return repr(whole[0]) == repr(whole[1])


def test_known_kinds_get_their_label_and_the_unseen_one_is_flagged(images, said):
    kinds = [path.stem.split("_")[-1] for path in images]
    known = [(one, kind) for one, kind in zip(said, kinds, strict=True) if kind != UNSEEN and not one.novel]
    assert len(known) >= 22
    assert np.mean([one.label == kind for one, kind in known]) > 0.9
    assert all(one.novel for one, kind in zip(said, kinds, strict=True) if kind == UNSEEN)


def test_a_novel_image_is_forced_into_no_group(said):
    for one in said:
        assert (one.lineage == ()) == (one.label == "") == (one.label_by == "") == one.novel
        assert one.novel == (one.novelty_p <= 0.1)
        if not one.novel:
            assert (
                one.label_by == MODEL and one.lineage[-1] == one.node and len(one.lineage) == 1 + ("root.0" in one.node)
            )


def test_what_is_said_depends_on_no_other_image_and_no_order(labeller, prepared, said):
    assert all(map(same, said, (labeller.label([image])[0] for image in prepared)))
    assert all(map(same, said, labeller.label(prepared[::-1])[::-1]))
    parts = [one for start in range(0, len(prepared), 7) for one in labeller.label(prepared[start : start + 7])]
    assert all(map(same, said, parts))
    assert labeller.label([]) == []


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [None, 1, 8])
def test_the_same_where_a_network_encodes(batch_size, tmp_path, images):
    labeller = Labeller(
        make_bundle(tmp_path, encoder="squeezenet", child_encoder="texture"), device="cpu", batch_size=batch_size
    )
    prepared = [labeller.prepare(path) for path in images]
    said = labeller.label(prepared)
    order = np.random.default_rng(0).permutation(len(prepared))
    mixed = labeller.label([prepared[row] for row in order])
    assert all(same(said[row], one) for row, one in zip(order, mixed, strict=True))
    assert all(map(same, said, (labeller.label([image])[0] for image in prepared)))


def test_novelty_is_the_mean_distance_to_the_neighbours_that_are_named_over_their_own(bundle, said):
    ids = list(bundle.reference.image_id)
    points = bundle.reference.features.astype(float)
    between = np.sort(np.linalg.norm(points[:, np.newaxis] - points, axis=2), axis=1)[:, 1:6].mean(axis=1)
    for one in said:
        distances = [neighbor.distance for neighbor in one.neighbors]
        assert len(distances) == 5 and distances == sorted(distances)
        rows = [ids.index(neighbor.image_id) for neighbor in one.neighbors]
        assert one.novelty == pytest.approx(np.mean(distances) / between[rows].mean())
        assert [neighbor.label for neighbor in one.neighbors] == list(bundle.reference.label[rows])
        held_out = bundle.calibration.novelty
        assert one.novelty_p == (1 + (held_out >= one.novelty).sum()) / (len(held_out) + 1)
        assert one.normal_percentile == pytest.approx(100 * (held_out < one.novelty).mean())
        near = bundle.reference.place
        assert near[:, 0].min() <= one.place[0] <= near[:, 0].max()


def test_a_name_is_that_of_the_deepest_group_that_has_one(tmp_path, prepared):
    names = {"root.0": "good", "root.0.1": "second half", "root.9": "none"}
    for one in Labeller(make_bundle(tmp_path, names=names)).label(prepared):
        assert one.group == {"root.0.0": "good", "root.0.1": "second half"}.get(one.node, "")


def test_sets_grow_with_the_coverage_and_begin_with_the_label(labeller, prepared, said):
    assert labeller.uncalibrated == {}
    before = labeller.coverage
    try:
        labeller.coverage = 0.99
        assert labeller.uncalibrated == dict.fromkeys(sorted(KINDS), 13)
        for one, wide in zip(said, labeller.label(prepared), strict=True):
            assert set(one.label_set) <= set(wide.label_set) == set(KINDS)
            assert (one.p_value, one.confidence) == (wide.p_value, wide.confidence)
            assert wide.novel or wide.label_set[0] == wide.label
        with pytest.raises(ValueError, match="between 0 and 1"):
            labeller.coverage = 90
    finally:
        labeller.coverage = before


def test_a_label_whose_images_a_strategy_chose_takes_more_of_them(bundle, labeller, prepared, said):
    held_out = bundle.calibration.nonconformity
    weights = {label: np.full(len(scores), 9.0 if label == "good" else 1.0) for label, scores in held_out.items()}
    weighed = Labeller(bundle._replace(calibration=bundle.calibration._replace(weights=weights)))
    assert weighed.uncalibrated == {label: 13 for label in sorted(KINDS) if label != "good"}
    for one, other in zip(said, weighed.label(prepared), strict=True):
        assert one.novel or {"scratches", "inclusions"} <= set(other.label_set)
        # Of an image that is drawn from as many, the same.
        assert one.label != "good" or one.p_value == pytest.approx(other.p_value)


def test_the_rate_of_false_alarms_may_change_and_one_out_of_reach_is_refused(labeller, bundle, prepared):
    flagged = sum(one.novel for one in labeller.label(prepared))
    try:
        labeller.false_alarms = 0.5
        assert sum(one.novel for one in labeller.label(prepared)) > flagged
        with pytest.raises(ValueError, match=r"needs 99 held-out good images, and there are 13; .* is 0\.0715"):
            labeller.false_alarms = 0.01
        assert labeller.false_alarms == 0.5
    finally:
        labeller.false_alarms = 0.1
    with pytest.raises(ValueError, match="needs 19"):
        Labeller(bundle, false_alarms=0.05)


def test_a_label_that_people_gave_stands_even_where_the_image_is_novel(prepared, said, tmp_path):
    row = next(row for row, one in enumerate(said) if one.novel)
    known = {prepared[row].sha256: "by hand"}
    [one] = Labeller(make_bundle(tmp_path, known=known)).label([prepared[row]])
    assert (one.label, one.label_by, one.novel, one.lineage) == ("by hand", PERSON, True, ())


def test_a_bundle_without_labels(tmp_path, prepared):
    for one in Labeller(make_bundle(tmp_path, labels=False)).label(prepared[:4]):
        assert (one.label, one.label_by, one.label_set) == ("", "", ())
        assert np.isnan(one.p_value) and np.isnan(one.confidence)


def test_where_time_went(bundle, images):
    labeller = Labeller(bundle)
    labeller.label([labeller.prepare(path) for path in images[:3]])
    taken = labeller.take_seconds()
    assert taken.images == 3 and min(taken.decode, taken.encode, taken.rest) > 0
    assert labeller.take_seconds().images == 0


def test_files_come_out_in_their_order_with_those_that_are_no_images(labeller, images, said, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n")
    paths = [*map(str, images[:5]), str(bad), *map(str, images[5:])]
    for batch in (1, 4, 100):
        found = list(label_files(labeller, paths, workers=3, batch=batch))
        assert [path for path, _ in found] == paths
        assert isinstance(found[5][1], str) and found[5][1]
        assert all(map(same, said, [one for _, one in found if not isinstance(one, str)]))
    with pytest.raises(UnreadableImageError):
        labeller.prepare(bad)


class Failing:
    """Labels, but for images of some names, alone or with others."""

    def __init__(self, labeller, *, at_reading=(), at_labelling=()):
        self.labeller, self.at_reading, self.at_labelling = labeller, at_reading, at_labelling

    def prepare(self, path):
        if path in self.at_reading:
            raise MemoryError
        return self.labeller.prepare(path)

    def label(self, prepared):
        if any(image.path in self.at_labelling for image in prepared):
            raise RuntimeError("out of memory")
        return self.labeller.label(prepared)


def test_an_image_that_fails_spoils_no_others(labeller, images, said):
    paths = list(map(str, images))
    failing = Failing(labeller, at_reading=paths[:4], at_labelling=paths[10:20])
    for batch in (8, 100):
        found = [one for _, one in label_files(failing, paths, workers=2, batch=batch)]
        assert found[:4] == ["MemoryError"] * 4 and found[10:20] == ["out of memory"] * 10
        rest = [*range(4, 10), *range(20, 40)]
        assert all(same(said[row], found[row]) for row in rest)


@pytest.mark.parametrize("when", ["at_reading", "at_labelling"])
def test_where_all_images_fail_it_ends_in_a_sentence(labeller, images, when):
    paths = list(map(str, images))
    with pytest.raises(
        ValueError, match=r"one image after another cannot be labelled; .*: (MemoryError|out of memory)$"
    ):
        list(label_files(Failing(labeller, **{when: paths}), paths))
    # Of two it is told by their rows.
    assert len(list(label_files(Failing(labeller, **{when: paths}), paths[:2]))) == 2


def test_features_that_are_no_numbers_are_a_reason(labeller, images, said):
    class NoNumbers(Failing):
        def label(self, prepared):
            return [dataclasses.replace(one, novelty=np.nan) for one in super().label(prepared)]

    found = list(label_files(NoNumbers(labeller), map(str, images[:1])))
    assert found == [(str(images[0]), "its features are no finite numbers")]


def test_decoding_ahead_is_bounded(images):
    class Counting:
        ahead = most = 0

        def prepare(self, path):
            self.ahead += 1
            self.most = max(self.most, self.ahead)
            raise UnreadableImageError("none")

        def label(self, prepared):
            return []

    counting = Counting()
    for _ in label_files(counting, (str(path) for path in images * 5), workers=1, batch=8):
        counting.ahead -= 1
    assert counting.most <= 2 * 8 + 1


def test_an_unknown_runtime_and_other_weights_are_refused(bundle, tmp_path):
    with pytest.raises(ValueError, match="choose one of torch, onnx"):
        Labeller(bundle, runtime="tensorrt")
    other = make_bundle(tmp_path)
    other.facts["encoders"]["texture"]["weights_sha256"] = "f" * 64
    with pytest.raises(ValueError, match="name the folder with the same weights by --weights-dir"):
        Labeller(other)
    other.facts["encoders"]["texture"]["options"] = {"name": "custom", "module": "/elsewhere/net.py"}
    with pytest.raises(ValueError, match=r"custom encoder's Python file, 'net\.py'"):
        Labeller(other)
    (tmp_path / "net.py").write_text("1 / 0")
    other.facts["encoders"]["texture"]["module_sha256"] = "0" * 64
    with pytest.raises(ValueError, match="is another file than the one"):
        Labeller(other, module=tmp_path / "net.py")
