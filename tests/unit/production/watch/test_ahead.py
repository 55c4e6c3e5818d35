import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from helpers.labelled_images import prepared
from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.watch import ahead as ahead_module
from nearlabel.production.watch.ahead import Ahead, prepare_found
from nearlabel.production.watch.inbox import Found


@pytest.fixture
def ahead():
    made = Ahead(3)
    yield made
    made.close()


def image(number):
    return prepared(str(number), b"")


def take_all(ahead, count):
    taken, end = [], time.monotonic() + 20
    while len(taken) < count and time.monotonic() < end:
        taken += ahead.take(2)
    return taken


def test_images_come_in_their_order_though_some_take_longer(ahead):
    def prepare(number):
        time.sleep(0.02 if number % 4 == 0 else 0)
        return image(number)

    for number in range(20):
        ahead.add(number, prepare)
    assert len(ahead) == 20
    assert take_all(ahead, 20) == [(number, image(number)) for number in range(20)] and len(ahead) == 0


def test_an_error_stands_for_the_image_that_has_it(ahead):
    def prepare(number):
        if number == 1:
            raise MemoryError
        return image(number)

    for number in range(3):
        ahead.add(number, prepare)
    (_, first), (_, second), (_, third) = take_all(ahead, 3)
    assert (first, third) == (image(0), image(2)) and isinstance(second, MemoryError)


def test_what_is_dropped_is_not_prepared_and_its_threads_end():
    before, gate, done = set(threading.enumerate()), threading.Event(), []
    ahead = Ahead(2)

    def prepare(number):
        gate.wait()
        done.append(number)

    for number in range(10):
        ahead.add(number, prepare)
    while ahead._work.qsize() > 8:
        time.sleep(0.001)
    assert ahead.drop() == list(range(10)) and len(ahead) == 0
    gate.set()
    ahead.close()
    end = time.monotonic() + 20
    while not set(threading.enumerate()) <= before and time.monotonic() < end:
        time.sleep(0.005)
    assert set(threading.enumerate()) <= before and sorted(done) == [0, 1]


def test_a_file_must_be_what_was_found_before_and_after(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"1234")
    found = Found(str(path), path.stat().st_mtime_ns, 4)
    assert prepare_found(lambda path, **_: prepared(path, b"1234"), found).bytes == 4
    with pytest.raises(UnreadableImageError, match="changes while it is read"):
        prepare_found(lambda path, **_: prepared(path, b"123"), found)

    def overwrite(place, **_):
        path.write_bytes(b"12345")
        return prepared(place, b"1234")

    with pytest.raises(UnreadableImageError, match="changes while it is read"):
        prepare_found(overwrite, found)
    with pytest.raises(UnreadableImageError, match="changes while it is read"):
        prepare_found(lambda path, **_: pytest.fail("it was read"), found)
    path.unlink()
    with pytest.raises(UnreadableImageError, match="does not exist"):
        prepare_found(lambda path, **_: pytest.fail("it was read"), found)


def test_images_that_are_ready_take_bounded_memory(monkeypatch):
    monkeypatch.setattr(ahead_module, "HELD_BYTES", 4000)
    ahead, held = Ahead(1), []

    def prepare(number):
        return replace(prepared("/in/a.png", b""), placed={"encoder": np.empty(1000, np.uint8)})

    for _ in range(3):
        while not ahead.is_full and len(ahead) < 65:
            ahead.add(0, prepare)
        held.append(len(ahead))
        take_all(ahead, 1)
    ahead.close()
    assert held == [2, 4, 4]
