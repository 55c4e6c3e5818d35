import json
from types import SimpleNamespace

import pytest

from nearlabel.production.bundle.contents import FACTS, USED
from nearlabel.production.watch import following
from nearlabel.production.watch.following import FollowedBundle


@pytest.fixture
def bundles(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "_EVERY_S", 0.0)
    use(tmp_path, 1)
    return tmp_path


def use(folder, number):
    partial = folder / "partial"
    partial.write_text(json.dumps({"number": number}))
    partial.rename(folder / USED)


def make(folder):
    number = json.loads((folder / USED).read_text())["number"]
    if number == 9:
        raise ValueError("bundle 9 is damaged")
    return SimpleNamespace(bundle=SimpleNamespace(number=number, sha256=f"content {number}"))


def test_another_bundle_in_use_is_an_event(bundles):
    followed = FollowedBundle(bundles, make)
    assert followed.look() is None and followed.labeller.bundle.number == 1
    use(bundles, 2)
    event = followed.look()
    assert event.kind == "bundle" and (event.detail["from"], event.detail["to"]) == (1, 2)
    assert followed.labeller.bundle.number == 2 and followed.look() is None
    use(bundles, 2)
    assert followed.look() is None


def test_one_that_cannot_be_used_is_one_event_and_the_old_one_goes_on(bundles):
    followed = FollowedBundle(bundles, make)
    use(bundles, 9)
    event = followed.look()
    assert "bundle 9 is damaged; bundle 1 goes on" in event.sentence and followed.look() is None
    assert followed.labeller.bundle.number == 1
    (bundles / USED).unlink()
    assert followed.look() is None


def test_one_that_cannot_be_used_for_a_while_is_tried_again(bundles, monkeypatch):
    away = []

    def make_there(folder):
        if away:
            raise FileNotFoundError("the share is away")
        return make(folder)

    followed = FollowedBundle(bundles, make_there)
    use(bundles, 2)
    away.append(True)
    assert "the share is away" in followed.look().sentence
    monkeypatch.setattr(following, "_AGAIN_S", 0.0)
    # Said once.
    assert followed.look() is None and followed.labeller.bundle.number == 1
    away.clear()
    monkeypatch.setattr(following, "_AGAIN_S", 1000.0)
    assert followed.look() is None
    monkeypatch.setattr(following, "_AGAIN_S", 0.0)
    event = followed.look()
    assert (event.detail["from"], event.detail["to"]) == (1, 2) and followed.look() is None


def test_a_bundle_of_its_own_is_never_switched(tmp_path):
    (tmp_path / FACTS).touch()
    calls = []
    followed = FollowedBundle(tmp_path, lambda folder: calls.append(folder))
    use(tmp_path, 2)
    assert followed.look() is None and calls == [tmp_path]
