import json

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from helpers.streams import Stream, vector_bundle
from nearlabel.production.streaming.proposals import find_groups, group_novel, propose


def cloud(n, centre, seed, spread=1.0):
    return np.random.default_rng(seed).normal(0, spread, (n, 6)) + np.eye(6)[0] * centre


@pytest.fixture
def stream(tmp_path):
    made = Stream(tmp_path, vector_bundle(np.stack([np.zeros(6), np.eye(6)[1] * 20]), [100, 50]))
    made.add(cloud(200, 0, 1), "root.0")
    yield made
    made.connection.close()


def test_images_far_from_all_and_near_each_other_are_proposed_once(stream):
    members = stream.add(cloud(10, 30, 2))
    (one,) = propose(stream.connection, stream.bundle)
    assert one.node == "root.2"
    assert set(one.label_ids) == set(members)
    assert one.centre[0] == pytest.approx(30, abs=1)
    assert 0 < one.tightness < 0.3
    assert one.sentence.startswith("10 novel images are like each other")
    json.dumps(one.detail)
    stream.record([one])
    assert propose(stream.connection, stream.bundle) == []


def test_a_growing_group_keeps_its_number_and_another_gets_the_next(stream):
    first = stream.add(cloud(10, 30, 2))
    stream.record(propose(stream.connection, stream.bundle))
    # The known ones grow too, as on a line: of novel images the latest are looked at.
    stream.add(cloud(100, 0, 5), "root.0")
    stream.add(cloud(12, -40, 4))
    (other,) = propose(stream.connection, stream.bundle)
    assert other.node == "root.3"
    stream.record([other])
    stream.add(cloud(800, 0, 6), "root.0")
    stream.add(cloud(60, 30, 7))
    found = find_groups(stream.connection, stream.bundle)
    assert [(group.node, is_new) for group, is_new in found] == [("root.2", False), ("root.3", False)]
    assert len(found[0][0].label_ids) == 70
    assert set(first) <= set(found[0][0].label_ids)


def test_a_group_whose_first_images_are_out_of_sight_keeps_its_number(stream):
    stream.add(cloud(25, 30, 2))
    stream.record(propose(stream.connection, stream.bundle))
    stream.add(cloud(20, 30, 3))
    found = find_groups(stream.connection, stream.bundle)
    assert [(group.node, is_new) for group, is_new in found] == [("root.2", False)]


def test_scattered_novel_images_are_no_group(stream):
    scattered = np.random.default_rng(3).normal(size=(24, 6))
    stream.add(scattered / np.linalg.norm(scattered, axis=1, keepdims=True) * 15)
    assert propose(stream.connection, stream.bundle) == []


def test_views_of_one_part_are_one_image(stream):
    stream.add(cloud(20, 30, 2), parts=["a", "b"] * 10)
    assert propose(stream.connection, stream.bundle) == []


def test_seven_are_too_few_and_the_number_may_be_changed(stream):
    stream.add(cloud(7, 30, 2))
    assert propose(stream.connection, stream.bundle) == []
    assert len(propose(stream.connection, stream.bundle, least=7)) == 1


def test_what_an_operator_has_put_where_it_belongs_is_not_proposed(stream):
    members = stream.add(cloud(10, 30, 2))
    stream.say(members[0], "correct", label="good")
    word = stream.say(members[1], "correct", node="root.1", label="scratch")
    stream.say(members[2], "correct", node="root.2", label="dent")
    stream.say(members[3], "correct", label="dent")
    (one,) = propose(stream.connection, stream.bundle)
    assert set(one.label_ids) == set(members) - set(members[:2])
    stream.say(members[1], "undo", undoes=word)
    (one,) = propose(stream.connection, stream.bundle)
    assert set(one.label_ids) == set(members) - set(members[:1])


def test_without_known_images_nothing_is_near_or_far(tmp_path):
    stream = Stream(tmp_path, vector_bundle(np.zeros((2, 6)), [100, 50]))
    stream.add(cloud(20, 30, 2))
    assert propose(stream.connection, stream.bundle) == []
    stream.connection.close()


def test_of_another_clustering_a_group_is_proposed_anew_under_another_number(stream):
    stream.bundle.facts["clustering"] = {"sha256": "then", "root": 2}
    names = [f"/inbox/new{number}.png" for number in range(10)]
    then = stream.add(cloud(10, 30, 2), names=names)
    stream.record(propose(stream.connection, stream.bundle))
    anew = vector_bundle(np.stack([np.zeros(6), np.eye(6)[1] * 20, np.eye(6)[2] * 20]), [100, 50, 10], sha256="c" * 64)
    anew.facts["clustering"] = {"sha256": "now", "root": 3}
    stream.add(cloud(200, 0, 1), "root.0", bundle=anew)
    now = stream.add(cloud(10, 30, 2), names=names, bundle=anew)
    # Named by its old number, which is another group now.
    stream.say(then[0], "correct", node="root.2", label="dent")
    (one,) = propose(stream.connection, anew)
    assert one.node == "root.3" and set(one.label_ids) == set(now)
    stream.record([one])
    assert propose(stream.connection, anew) == []
    assert [group.node for group, _ in find_groups(stream.connection, anew)] == ["root.3"]


def test_the_last_word_says_whether_an_image_is_where_it_belongs(stream):
    members = stream.add(cloud(10, 30, 2))
    stream.say(members[0], "correct", label="good")
    stream.say(members[0], "correct", label="dent")
    (one,) = propose(stream.connection, stream.bundle)
    assert set(one.label_ids) == set(members)


def test_numbers_are_not_used_twice_by_another_bundle(stream):
    stream.add(cloud(10, 30, 2))
    stream.record(propose(stream.connection, stream.bundle))
    later = vector_bundle(np.zeros((2, 6)), [100, 50], sha256="c" * 64)
    stream.add(cloud(200, 0, 8), "root.0", bundle=later)
    stream.add(cloud(10, 30, 9), bundle=later)
    (one,) = propose(stream.connection, later)
    assert one.node == "root.3"


def test_rows_of_groups_are_those_that_are_mates():
    known = np.array([[0.0], [1.0]])
    novel = np.array([[10.0], [11.0], [2.5], [12.0], [13.0], [-3.0], [50.0]])
    ((rows, tightness),) = group_novel(novel, known, 4)
    assert rows.tolist() == [0, 1, 3, 4]
    assert tightness == pytest.approx(1 / 10.5)
    assert group_novel(novel, known, 5) == []


def test_on_a_new_line_the_training_images_are_the_known_ones(tmp_path):
    bundle = vector_bundle(np.zeros((1, 6)), [200])
    root = bundle.nodes["root"]._replace(reduction=make_pipeline(PCA(6).fit(cloud(200, 0, 1))))
    features = cloud(200, 0, 1).astype(np.float32)
    vectors = root.reduction.transform(features.astype(float))
    reference = bundle.reference._replace(features=features)
    bundle = bundle._replace(nodes={"root": root}, reference=reference)
    stream = Stream(tmp_path, bundle)
    members = stream.add(root.reduction.transform(cloud(10, 30, 2)))
    (one,) = propose(stream.connection, bundle)
    assert set(one.label_ids) == set(members) and one.node == "root.1"
    # As far from each other as from those of the training, they are none.
    near = np.random.default_rng(5).choice(vectors, 24, replace=False) * 1.3
    (tmp_path / "other").mkdir()
    other = Stream(tmp_path / "other", bundle)
    other.add(near)
    assert propose(other.connection, bundle) == []
    stream.connection.close(), other.connection.close()
