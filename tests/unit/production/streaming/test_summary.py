import numpy as np

from helpers.streams import Stream, vector_bundle
from nearlabel.production.database.recording import record_batch
from nearlabel.production.drift.monitor import DriftMonitor
from nearlabel.production.streaming.proposals import propose
from nearlabel.production.streaming.summary import describe_line


def test_a_line_in_words(tmp_path):
    bundle = vector_bundle(np.stack([np.zeros(6), np.eye(6)[1] * 20]), [60, 40], names={"root.1": "Scratched"})
    stream = Stream(tmp_path, bundle)
    assert describe_line(bundle, stream.connection) == "bundle 1 has labelled no image in this database"
    rng = np.random.default_rng(0)
    first, *_ = stream.add(rng.normal(size=(60, 6)), "root.0", shadow="root.0")
    stream.add(rng.normal(size=(20, 6)), "root.1", shadow="root.0")
    stream.add(rng.normal(size=(9, 6)) + 30)
    stream.say(first)
    stream.record(propose(stream.connection, bundle))
    monitor = DriftMonitor({"brightness": [0.4, 0.5, 0.6]}, alpha=0.1)
    monitor.add({"brightness": 0.5}, part="", sha256="a", label_id=1)
    record_batch(stream.connection, state={f"drift:{bundle.sha256}": monitor.state()})
    said = describe_line(bundle, stream.connection).splitlines()
    stream.connection.close()
    assert said[0] == "the latest 89 images of bundle 1: 9 novel; of the others"
    assert said[2].split() == ["root.0", "60", "75.0%", "60.0%", "+2.1"]
    assert said[3].split() == ["root.1", "20", "25.0%", "40.0%", "-2.1", "Scratched"]
    assert said[4].startswith("such unlike shares by chance: p = 0.034")
    assert said[5].startswith("drift: 1 parts, 0 alarms; evidence since then 1") and said[5].endswith("alarm at 10")
    assert said[6].startswith("groups moved by 1 confirmed images: 20 of 80 images were in another group")
    assert said[7].startswith("proposed: root.2, 9 images, tightness 0.")
