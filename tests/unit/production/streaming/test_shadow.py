import numpy as np
import pytest

from helpers.streams import Stream, vector_bundle
from nearlabel.production.database.recording import write_state
from nearlabel.production.database.said import IDENTITY
from nearlabel.production.streaming.confirmed import read_confirmed
from nearlabel.production.streaming.shadow import Shadow, count_disagreement, group_of


@pytest.fixture
def stream(tmp_path):
    made = Stream(tmp_path, vector_bundle([[0.0, 0.0], [10.0, 0.0]], [3, 4]))
    yield made
    made.connection.close()


def shadow_of(stream, forgetting=0.5):
    shadow = Shadow(stream.bundle.nodes["root"], forgetting=forgetting)
    shadow.refresh(stream.connection, stream.bundle.sha256)
    return shadow


def test_a_confirmed_image_moves_its_own_centre(stream):
    (label_id,) = stream.add([[5.0, 5.0]], "root.0.1")
    stream.add([[9.0, 9.0]], "root.1")
    stream.say(label_id)
    shadow = shadow_of(stream)
    # Of three images at the origin half the weight is left, 1.5, beside 1 of the new one.
    assert shadow.centres["root.0"] == pytest.approx([5 / 2.5, 5 / 2.5])
    assert shadow.counts == {"root.0": 2.5, "root.1": 4}
    assert shadow.centres["root.1"].tolist() == [10.0, 0.0]
    assert shadow.confirmed == 1


def test_a_correction_moves_the_centre_that_it_names(stream):
    first, second = stream.add([[4.0, 0.0], [6.0, 0.0]], "root.0")
    stream.say(first, "correct", node="root.1")
    stream.say(second, "correct", label="scratch")
    shadow = shadow_of(stream, 1.0)
    assert shadow.centres["root.1"] == pytest.approx([(4 * 10 + 4) / 5, 0.0])
    # A label alone says nothing of the group.
    assert shadow.centres["root.0"].tolist() == [0.0, 0.0]


def test_the_last_word_that_stands_counts_and_what_is_undone_leaves_no_trace(stream):
    (label_id, other) = stream.add([[4.0, 0.0], [1.0, 1.0]], "root.0")
    untouched = shadow_of(stream)
    stream.say(label_id)
    word = stream.say(label_id, "correct", node="root.1")
    moved = shadow_of(stream)
    assert moved.centres["root.0"].tolist() == [0.0, 0.0]
    assert moved.centres["root.1"][0] < 10
    stream.say(label_id, "undo", undoes=word)
    assert shadow_of(stream).centres["root.1"].tolist() == [10.0, 0.0]
    assert shadow_of(stream).centres["root.0"][0] > 0
    last = stream.say(other)
    stream.say(other, "undo", undoes=last)
    stream.say(label_id, "undo", undoes=1)
    again = shadow_of(stream)
    assert {name: centre.tolist() for name, centre in again.centres.items()} == {
        name: centre.tolist() for name, centre in untouched.centres.items()
    }
    assert again.counts == untouched.counts


def test_it_follows_new_words_as_if_it_had_seen_all_at_once(stream):
    label_ids = stream.add(np.random.default_rng(0).normal(size=(6, 2)), "root.0")
    shadow = Shadow(stream.bundle.nodes["root"])
    assert shadow.refresh(stream.connection, stream.bundle.sha256)
    assert not shadow.refresh(stream.connection, stream.bundle.sha256)
    words = []
    for step in range(9):
        if step < 6:
            words.append(stream.say(label_ids[step], node="root.1" if step % 2 else ""))
        elif step == 6:
            stream.say(label_ids[0], "correct", node="root.1")
        else:
            stream.say(label_ids[1], "undo", undoes=words[step - 6])
        assert shadow.refresh(stream.connection, stream.bundle.sha256)
        fresh = shadow_of(stream, shadow._forgetting)
        assert fresh.counts == shadow.counts
        assert all((fresh.centres[name] == centre).all() for name, centre in shadow.centres.items())
    assert shadow.followed == {"root.0": 1, "root.1": 3}


def test_words_on_another_bundle_s_label_count_with_this_one_s_vector(stream):
    older = vector_bundle([[0.0, 0.0], [10.0, 0.0]], [3, 4], sha256="a" * 64)
    (label_id,) = stream.add([[99.0, 99.0]], "root.1", bundle=older, names=["/inbox/same.png"])
    stream.say(label_id)
    assert read_confirmed(stream.connection, stream.bundle.sha256).nodes == []
    stream.add([[5.0, 5.0]], "root.0", names=["/inbox/same.png"])
    confirmed = read_confirmed(stream.connection, stream.bundle.sha256)
    assert confirmed.nodes == ["root.1"]
    assert confirmed.vectors.tolist() == [[5.0, 5.0]]


def clustered_anew(stream, centres, counts):
    """The bundle of the stream, and one of another clustering, where the same numbers are other groups."""
    stream.bundle.facts["clustering"] = {"sha256": "then", "root": 2}
    anew = vector_bundle(centres, counts, sha256="c" * 64)
    anew.facts["clustering"] = {"sha256": "now", "root": len(counts)}
    return anew


def test_words_on_groups_say_nothing_of_those_of_another_clustering(stream):
    anew = clustered_anew(stream, [[10.0, 0.0], [0.0, 0.0]], [4, 3])
    names = ["/inbox/a.png", "/inbox/b.png", "/inbox/c.png"]
    first, second, _ = stream.add([[1.0, 0.0]] * 3, "root.0", names=names)
    stream.say(first)
    stream.say(second, "correct", node="root.0")
    again = stream.add([[1.0, 0.0]] * 3, "root.1", bundle=anew, names=names)
    assert read_confirmed(stream.connection, stream.bundle.sha256).nodes == ["root.0"] * 2
    shadow = Shadow(anew.nodes["root"])
    shadow.refresh(stream.connection, anew.sha256)
    assert shadow.confirmed == 0 and shadow.centres["root.0"].tolist() == [10.0, 0.0]
    # A word on the new bundle's label is one on its groups.
    stream.say(again[2])
    assert read_confirmed(stream.connection, anew.sha256).nodes == ["root.1"]
    assert read_confirmed(stream.connection, stream.bundle.sha256).nodes == ["root.0"] * 2


def test_who_corrects_the_label_that_was_confirmed_moves_no_centre(stream):
    (label_id,) = stream.add([[9.0, 9.0]], "root.0")
    stream.say(label_id)
    stream.say(label_id, "correct", label="scratch")
    assert shadow_of(stream).confirmed == 0
    # The group that was said before still is.
    stream.say(label_id, "correct", node="root.1")
    stream.say(label_id, "correct", label="dent")
    assert shadow_of(stream).followed == {"root.1": 1}


def test_words_that_an_adopted_bundle_comes_from_are_not_followed_again(stream):
    write_state(stream.connection, IDENTITY, b"this")
    names = [f"/inbox/{number}.png" for number in range(4)]
    first, second, *_ = stream.add([[3.0, 0.0]] * 4, "root.0", names=names)
    stream.say(first)
    last = stream.say(second)
    adopted = vector_bundle([[1.0, 0.0], [10.0, 0.0]], [5, 4], sha256="c" * 64)
    adopted.facts["followed"] = {"this": last, "another": 99}
    again = stream.add([[3.0, 0.0]] * 4, "root.0", names=names, bundle=adopted)
    shadow = Shadow(adopted.nodes["root"])
    shadow.refresh(stream.connection, adopted.sha256)
    assert shadow.confirmed == 0 and shadow.centres["root.0"].tolist() == [1.0, 0.0]
    # A label that is corrected later says the group no second time; what is said of it later counts.
    stream.say(first, "correct", label="dent")
    stream.say(again[2])
    shadow.refresh(stream.connection, adopted.sha256)
    assert shadow.followed == {"root.0": 1}
    assert shadow_of(stream).followed == {"root.0": 2}


def test_assignment_keeps_what_is_below_where_both_agree(stream):
    shadow = Shadow(stream.bundle.nodes["root"])
    vectors = [[1.0, 0.0], [9.0, 0.0], [9.0, 0.0], [0.0, 0.0], [5.0, 0.0]]
    nodes = ["root.0.2", "root.0.2", "root.1", "", "root.1"]
    assert shadow.assign(vectors, nodes) == ["root.0.2", "root.1", "root.1", "", "root.0"]


def test_a_group_that_the_bundle_has_not_begins_with_the_first_image_put_into_it(stream):
    first, second = stream.add([[0.0, 8.0], [0.0, 9.0]])
    stream.say(first, "correct", node="root.2")
    stream.say(second, "correct", node="root.2")
    shadow = shadow_of(stream, 1.0)
    assert shadow.centres["root.2"].tolist() == [0.0, 8.5]
    assert shadow.assign([[0.0, 7.0]], ["root.0"]) == ["root.2"]


def test_a_number_that_is_not_used_attracts_no_image():
    shadow = Shadow(vector_bundle([[0.0], [1.0]], [3, 0]).nodes["root"])
    assert shadow.assign([[1.0]], ["root.0"]) == ["root.0"]


def test_disagreement_is_counted_at_the_root(stream):
    stream.add([[1.0, 0.0]], "root.0.1", shadow="root.0")
    stream.add([[1.0, 0.0]] * 2, "root.0.1", shadow="root.1")
    stream.add([[1.0, 0.0]], "root.0.1")
    assert count_disagreement(stream.connection, stream.bundle.sha256) == (3, 2)


@pytest.mark.parametrize(
    ("node", "group"), [("root.3", "root.3"), ("root.12.5.1", "root.12"), ("root", None), ("", None), ("root.x", None)]
)
def test_the_root_s_group_of_a_node(node, group):
    assert group_of(node) == group


@pytest.mark.parametrize("forgetting", [0, -1, 1.5])
def test_a_forgetting_factor_that_is_none(forgetting):
    with pytest.raises(ValueError, match="the forgetting factor is"):
        Shadow(vector_bundle([[0.0]], [1]).nodes["root"], forgetting=forgetting)
