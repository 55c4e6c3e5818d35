import random
from pathlib import Path

import pytest

from nearlabel.production.watch.inbox import Found
from nearlabel.production.watch.settling import Settling


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def made(clock, **options):
    options = {"is_recorded": lambda found: False} | options
    return Settling(2.0, 10.0, options.pop("is_recorded"), clock=clock, **options)


def test_a_file_is_ready_when_it_was_seen_unchanged_for_long_enough(clock):
    settling, found = made(clock), Found("a", 1, 100)
    assert settling.look([found]).ready == []
    clock.now += 1.9
    assert settling.look([found]).ready == []
    grown = Found("a", 2, 200)
    assert settling.look([grown]).ready == []
    clock.now += 1.9
    assert settling.look([grown]).waiting == 1
    clock.now += 0.1
    assert settling.look([grown]).ready == [grown]
    assert settling.look([grown]).ready == [] and settling.taken == 1
    settling.finish(grown)
    clock.now += 100
    assert settling.look([grown]) == type(settling.look([grown]))()


def test_a_new_time_alone_starts_the_wait_anew(clock):
    settling = made(clock)
    settling.look([Found("a", 1, 100)])
    clock.now += 5
    assert settling.look([Found("a", 2, 100)]).ready == []


def test_the_files_own_times_may_be_of_any_clock(clock):
    settling = made(clock)
    files = [Found("future", 10**20, 1), Found("past", -5, 1)]
    settling.look(files)
    clock.now += 2
    assert [found.path for found in settling.look(files).ready] == ["past", "future"]


def test_the_oldest_come_first_and_no_more_are_watched_than_the_window(clock):
    settling = made(clock, window=3)
    files = [Found(f"{age:02d}", age, 1) for age in range(10)]
    random.Random(0).shuffle(files)
    assert settling.look(files).waiting == 3
    seen = []
    for _ in range(20):
        clock.now += 2
        ready = settling.look(files).ready
        assert len(ready) <= 3
        for found in ready:
            seen.append(found.path)
            settling.finish(found)
    assert seen == [f"{age:02d}" for age in range(10)]


def test_a_file_that_fails_is_tried_again_and_given_up(clock, tmp_path):
    path = tmp_path / "a"
    path.touch()
    settling, found = made(clock), Found(str(path), 1, 100)
    settling.look([found])
    tries = []
    for _ in range(200):
        clock.now += 0.1
        result = settling.look([found])
        if result.given_up:
            break
        for one in result.ready:
            tries.append(clock.now - 1000)
            settling.fail(one, "the file ends too early")
    assert result.given_up == [(found, "the file ends too early")]
    assert 12 <= clock.now - 1000 < 12.3 and 3 <= len(tries) <= 5 and 2 <= tries[0] < 2.2
    settling.finish(found)
    clock.now += 100
    assert settling.look([found]).ready == []
    changed = Found(str(path), 2, 100)
    settling.look([changed])
    clock.now += 2
    assert settling.look([changed]).ready == [changed]


def test_a_file_that_has_waited_for_long_for_its_turn_is_not_given_up_at_once(clock, tmp_path):
    path = tmp_path / "a"
    path.touch()
    settling, found = made(clock), Found(str(path), 1, 100)
    settling.look([found])
    clock.now += 1000
    [ready] = settling.look([found]).ready
    settling.fail(ready, "Stale file handle")
    assert settling.look([found]).given_up == []
    clock.now += 9
    assert settling.look([found]).ready == [found]


def test_a_file_that_changes_after_it_failed_has_all_its_time_again(clock, tmp_path):
    path = tmp_path / "a"
    path.touch()
    settling, found = made(clock), Found(str(path), 1, 100)
    settling.look([found])
    clock.now += 9
    [ready] = settling.look([found]).ready
    settling.fail(ready, "the file ends too early")
    clock.now += 1
    grown = Found(str(path), 2, 150)
    assert settling.look([grown]).given_up == []
    clock.now += 9.9
    assert settling.look([grown]).ready == [grown]


def test_a_file_that_is_gone_is_forgotten(clock):
    settling, found = made(clock), Found("/nowhere/a", 1, 100)
    settling.look([found])
    clock.now += 2
    [ready] = settling.look([found]).ready
    settling.fail(ready, "the file does not exist (any more)")
    assert settling.taken == 0 and settling.look([]).waiting == 0


def test_the_database_is_asked_once_for_a_file_it_knows(clock):
    asked = []
    settling = made(clock, is_recorded=lambda found: asked.append(found.path) or found.path == "old")
    old, new = Found("old", 1, 1), Found("new", 2, 1)
    assert settling.look([old, new]).recorded == [old]
    clock.now += 2
    assert settling.look([old, new]).ready == [new]
    settling.look([old])
    assert asked == ["old", "new"]
    settling.look([])  # Gone; what comes back under its name is looked up again.
    settling.look([old])
    assert asked == ["old", "new", "old"]


def test_an_inbox_that_cannot_be_listed_changes_nothing(clock):
    settling, known, waiting = made(clock), Found("known", 1, 1), Found("waiting", 2, 1)
    settling.look([known])
    clock.now += 2
    settling.finish(settling.look([known]).ready[0])
    settling.look([known, waiting])

    def broken():
        yield known
        raise OSError

    clock.now += 2
    with pytest.raises(OSError):
        settling.look(broken())
    assert settling.look([known, waiting]).ready == [waiting]


def test_a_file_that_could_not_be_moved_is_asked_for_again_after_a_while(clock):
    recorded, asked = set(), []

    def is_recorded(found):
        asked.append(found.path)
        return found in recorded

    settling, moved, unmoved = Settling(1, 10, is_recorded, clock=clock), Found("a", 1, 100), Found("b", 1, 100)
    settling.look([moved, unmoved])
    clock.now += 2
    assert settling.look([moved, unmoved]).ready == [moved, unmoved]
    recorded |= {moved, unmoved}
    settling.put_off(unmoved)
    # Reports may come between two looks.
    settling.look([moved, unmoved])
    for found in (moved, unmoved):
        settling.finish(found)
    asked.clear()
    for _ in range(2):
        clock.now += 599
        assert not settling.look([moved, unmoved]).recorded and not asked
        clock.now += 2
        assert settling.look([moved, unmoved]).recorded == [unmoved] and asked == ["b"]
        asked.clear()
        clock.now += 10_000
        assert not settling.look([moved, unmoved]).recorded and not asked
        settling.put_off(unmoved)
    # Gone meanwhile: nothing is kept.
    settling.look([moved])
    clock.now += 601
    assert not settling.look([moved]).recorded


def test_once_a_file_is_given_up_by_its_age_or_left(clock, tmp_path):
    import time

    old, new = Found(str(tmp_path / "old"), 10**18, 1), Found(str(tmp_path / "new"), time.time_ns(), 1)
    for found in (old, new):
        Path(found.path).touch()
    settling = made(clock, once=True)
    settling.look([old, new])
    clock.now += 2
    for found in settling.look([old, new]).ready:
        settling.fail(found, "torn")
    result = settling.look([old, new])
    assert result.given_up == [(old, "torn")] and result.waiting == 0
