from helpers.labelled_images import recorded
from helpers.watching import QuickLabeller
from nearlabel.production.database.opening import open_database
from nearlabel.production.database.recording import record_batch
from nearlabel.production.streaming.confirmed import read_said, same_groups
from nearlabel.production.watch.companions import Companions


def test_with_its_labels_is_recorded_which_groups_a_bundle_means(tmp_path):
    connection = open_database(tmp_path / "labels.sqlite", create=True)
    bundles = [QuickLabeller(number).bundle for number in range(3)]
    for bundle, clustering in zip(bundles, ("then", "then", "now"), strict=True):
        bundle.facts["clustering"] = {"sha256": clustering, "root": 2}
        companions = Companions(bundle, connection)
        row = recorded("/inbox/a.png", bundle.number + 1)
        events, state = companions.learn([row])
        record_batch(connection, [row], bundle=bundle.number, bundle_sha256=bundle.sha256, events=events, state=state)
    assert [same_groups(connection, bundles[0], other.sha256) for other in bundles] == [True, True, False]
    connection.execute(
        "INSERT INTO corrections (image_id, label_id, operator, time, action, label, node, request) "
        "VALUES (1, 1, 'me', '', 'confirm', 'good', 'root.0.1', 'x')"
    )
    said = [read_said(connection, bundle.sha256)[1] for bundle in bundles]
    assert [(one.label, one.node) for one in said] == [("good", "root.0.1")] * 2 + [("good", "")]
    connection.close()
