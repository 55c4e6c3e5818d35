"""Groups that operators have accepted keep their ids in later bundles, as long as the clustering is the same."""

import shutil

import numpy as np
import pandas as pd
import pytest

from helpers.written_bundles import made_content
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.bundle.fitting.carrying import carry_over, describe_clustering
from nearlabel.production.bundle.writing import write_bundle

CLUSTERING = {"sha256": "a" * 64, "root": 3}


def adopted(content, number=4):
    """With a moved centre, and group 4; number 3 was never accepted."""
    root = content.nodes["root"]
    centres = np.vstack([root.centres + 0.5, np.full((1, root.centres.shape[1]), 1e100), root.centres[:1] + 9])
    counts = np.concatenate([root.counts, [0, 6]])
    reference = content.reference
    node = reference.node.copy()
    node[:2] = f"root.{number}"
    return content._replace(
        nodes=content.nodes | {"root": root._replace(centres=centres, counts=counts)},
        reference=reference._replace(node=node),
        names=content.names | {f"root.{number}": "Dents"},
        facts=content.facts | {"followed": {"line": 7}},
    )


@pytest.fixture
def content():
    return made_content(clustering=CLUSTERING)


def test_an_accepted_group_is_carried_over(content, tmp_path):
    write_bundle(tmp_path, adopted(content))
    used, reference = read_bundle(tmp_path), content.reference
    found = carry_over(tmp_path, content.nodes["root"], CLUSTERING, {reference.sha256[1]}, 1)
    np.testing.assert_array_equal(found.root.centres, used.nodes["root"].centres)
    assert found.root.counts.tolist() == used.nodes["root"].counts.tolist() and found.names == {"root.4": "Dents"}
    # Its images, but those that the new bundle has by itself.
    assert found.reference.sha256.tolist() == [reference.sha256[0]] and found.accepted == ["root.4"]
    # Words that have moved its centres are not to move them again.
    assert found.followed == {"line": 7}
    assert found.reference.thumbnails == reference.thumbnails[:1]
    np.testing.assert_array_equal(found.reference.features, reference.features[:1])
    assert len(found.notes) == 2 and found.notes[1].startswith("root.4 was accepted")
    again = carry_over(tmp_path, content.nodes["root"], CLUSTERING, set(reference.sha256), 1)
    assert again.reference is None and again.names == {"root.4": "Dents"}


def test_of_a_group_that_is_too_small_for_more_neighbours_no_image_is_held_against(content, tmp_path):
    """Each of its images would have its nearest others in other groups, and nothing near it would be novel."""
    write_bundle(tmp_path, adopted(content))
    found = carry_over(tmp_path, content.nodes["root"], CLUSTERING, set(), 2)
    assert found.reference is None and found.accepted == ["root.4"]
    assert found.notes[2] == (
        "root.4: new images are held against none of its 2, and are novel again where they are like them: by 2 "
        "neighbours novelty takes 3 of a group; set production.neighbors lower to keep them"
    )
    # Images that the bundle has by itself are learnt from, and count.
    one = carry_over(tmp_path, content.nodes["root"], CLUSTERING, {content.reference.sha256[0]}, 1)
    assert one.reference.sha256.tolist() == [content.reference.sha256[1]] and len(one.notes) == 2


def test_nothing_was_adopted(content, tmp_path):
    root = content.nodes["root"]
    assert carry_over(tmp_path, root, CLUSTERING, set(), 1) == (root, {}, [], None, [], {})
    write_bundle(tmp_path, content)
    found = carry_over(tmp_path, root, CLUSTERING, set(), 1)
    assert found.root is root and (found.names, found.reference, found.notes) == ({}, None, [])


def test_another_clustering_takes_nothing_over_and_says_what_is_lost(content, tmp_path):
    root, other = content.nodes["root"], {"sha256": "b" * 64, "root": 3}
    write_bundle(tmp_path / "adopted", adopted(content))
    found = carry_over(tmp_path / "adopted", root, other, set(), 1)
    assert found.root is root and found.names == {}
    assert found.notes == [
        "root.4 of bundle 1 were accepted as groups and are none here: the data set was clustered anew"
    ]
    write_bundle(tmp_path / "plain", content)
    assert carry_over(tmp_path / "plain", root, other, set(), 1).notes == []


def test_it_is_the_bundle_in_use_that_counts(content, tmp_path):
    write_bundle(tmp_path, content)
    write_bundle(tmp_path, adopted(content))
    assert carry_over(tmp_path, content.nodes["root"], CLUSTERING, set(), 1).notes == []


def test_where_the_bundle_in_use_did_not_come_it_is_said(content, tmp_path):
    """The line adopted bundle 1, and another one was made under this number here."""
    write_bundle(tmp_path / "line", adopted(content))
    write_bundle(tmp_path / "here", content)
    shutil.copy(tmp_path / "line/used.json", tmp_path / "here/used.json")
    found = carry_over(tmp_path / "here", content.nodes["root"], CLUSTERING, set(), 1)
    assert found.root is content.nodes["root"]
    assert found.notes[0].startswith("nothing is carried over from the bundle in use: ")
    assert "two machines have made one under this number" in found.notes[0]
    # As it says: then what was adopted is carried over, into a bundle under the next number.
    shutil.rmtree(tmp_path / "here/1")
    shutil.copytree(tmp_path / "line/1", tmp_path / "here/1")
    assert carry_over(tmp_path / "here", content.nodes["root"], CLUSTERING, set(), 1).accepted == ["root.4"]
    assert write_bundle(tmp_path / "here", content).name == "2"


def test_a_damaged_bundle_is_said(content, tmp_path):
    (write_bundle(tmp_path, adopted(content)) / "arrays.h5").write_bytes(b"")
    found = carry_over(tmp_path, content.nodes["root"], CLUSTERING, set(), 1)
    assert found.root is content.nodes["root"]
    assert "nothing is carried over from the bundle in use: " in found.notes[0] and "arrays.h5" in found.notes[0]


def test_ids_stand_for_clusters_encoders_and_reductions():
    table = pd.DataFrame({"image_id": ["a", "b", "c"], "cluster": [0, 0, 1]})
    one = describe_clustering({"root": table}, {"root": {"id": "texture"}}, [{"method": "pca"}])
    assert one["root"] == 2 and one == describe_clustering(
        {"root": table.copy()}, {"root": {"id": "texture"}}, [{"method": "pca"}]
    )
    others = [
        ({"root": table.assign(cluster=[0, 1, 1])}, {"root": {"id": "texture"}}, [{"method": "pca"}]),
        ({"root": table}, {"root": {"id": "other"}}, [{"method": "pca"}]),
        ({"root": table}, {"root": {"id": "texture"}}, [{"method": "none"}]),
    ]
    assert len({describe_clustering(*other)["sha256"] for other in others} | {one["sha256"]}) == 4
