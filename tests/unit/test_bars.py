import logging
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from nearlabel import bars
from nearlabel.bars import Progress, over
from nearlabel.job_logs import collect_warnings


class Stream:
    """What a job writes its lines to."""

    encoding = "utf-8"
    terminal = True

    def isatty(self):
        return self.terminal


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by `pass_by` alone."""

    class Clock:
        now = 1000.0

        def pass_by(self, seconds):
            self.now += seconds

    clock = Clock()
    monkeypatch.setattr(bars.time, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def said(caplog, monkeypatch):
    """Lines so far, on a terminal."""
    # pytest has a stream of its own in the place of the true one.
    monkeypatch.setattr(bars, "sys", SimpleNamespace(stderr=Stream()))
    with caplog.at_level(logging.INFO, "nearlabel.bars"):
        yield lambda: [record.getMessage() for record in caplog.records]


def test_lines_tell_how_far_it_is(clock, said):
    with Progress(12_568, "images") as progress:
        for _ in range(100):
            clock.pass_by(0.5)
            progress.update(53)
        assert said()[0] == "▎            2%  318 of 12568 images, 106 images/s, 1:55 left"
        assert said()[4] == "███▋        36%  4558 of 12568 images, 106 images/s, 1:15 left"
        clock.pass_by(20)
        progress.update(7268)
    assert said()[-1] == "██████████ 100%  12568 images in 1:10, 180 images/s"
    assert len(said()) == 1 + 4 + 1


def test_a_line_on_a_terminal_every_ten_seconds_of_which_the_file_takes_one_a_minute(clock, said, caplog):
    with Progress(600, "images") as progress:
        for _ in range(600):
            clock.pass_by(1)
            progress.update()
    # At 3, 13, 23, … 593 s, and at the end.
    assert len(said()) == 60 + 1
    kept = [record.getMessage() for record in caplog.records if not record.passing]
    assert len(kept) == 10 + 1
    assert kept[0] == said()[0] and kept[-1] == said()[-1]


def test_elsewhere_a_line_a_minute(clock, said, monkeypatch, caplog):
    monkeypatch.setattr(Stream, "terminal", False)
    with Progress(600, "images") as progress:
        for _ in range(600):
            clock.pass_by(1)
            progress.update()
    assert len(said()) == 10 + 1
    assert not any(record.passing for record in caplog.records)


def test_slow_work_tells_seconds_and_a_note(clock, said):
    with Progress(84, "rounds") as progress:
        for auc in (0.9, 0.912, None):
            clock.pass_by(4.1)
            progress.update(note=auc and f"test AUC {auc:.3f}")
        clock.pass_by(12)
        progress.update()
    assert said() == [
        "             1%  1 of 84 rounds, test AUC 0.900, 4.1 s a round, 5:40 left",
        "▍            4%  4 of 84 rounds, test AUC 0.912, 6.1 s a round, 8:06 left",
        "██████████ 100%  4 rounds in 0:24, test AUC 0.912, 6.1 s a round",
    ]


def test_what_was_done_before_counts_for_no_rate(clock, said):
    with Progress(1000, "images", done=900) as progress:
        clock.pass_by(5)
        progress.update(50)
        clock.pass_by(5)
        progress.update(50)
    assert said() == [
        "█████████▌  95%  950 of 1000 images, 10 images/s, 0:05 left",
        "██████████ 100%  1000 images, 100 of them now, in 0:10, 10 images/s",
    ]


def test_a_slow_start_is_forgotten(clock, said):
    with Progress(10_000, "images") as progress:
        clock.pass_by(100)
        progress.update(1)
        for _ in range(10):
            clock.pass_by(10)
            progress.update(100)
        assert "10 images/s, 15:00 left" in said()[-1].replace("14:59", "15:00")


def test_work_that_may_end_early_says_so(clock, said):
    with Progress(100, "epochs", at_most=True) as progress:
        for _ in range(3):
            clock.pass_by(2)
            progress.update()
    assert said() == [
        "▏            2%  2 of at most 100 epochs, 2.0 s an epoch, at most 3:16 left",
        "██████████ 100%  3 epochs in 0:06, 2.0 s an epoch",
    ]


def test_short_work_and_none_say_nothing(clock, said):
    with Progress(10, "images") as progress:
        clock.pass_by(2.9)
        progress.update(10)
    with Progress(0, "images"):
        pass
    assert list(over([], "images")) == []
    assert said() == []


def test_work_whose_first_part_is_all_of_it_has_a_last_line(clock, said):
    with Progress(1, "fits") as progress:
        clock.pass_by(7)
        progress.update()
    assert said() == ["██████████ 100%  1 fits in 0:07, 7.0 s a fit"]


def test_no_last_line_after_an_error(clock, said):
    with pytest.raises(ValueError, match="gone"), Progress(10, "images") as progress:
        clock.pass_by(5)
        progress.update()
        raise ValueError("an image is gone")
    assert len(said()) == 1
    with Progress(2, "images") as progress:
        clock.pass_by(5)
        progress.update()
    assert len(said()) == 3


def test_one_within_another_is_silent(clock, said):
    for _ in over(range(3), "bootstraps"):
        for _ in over(range(2), "clusterings"):
            clock.pass_by(4)
    assert [line.split("%  ")[1].split(",")[0] for line in said()] == ["1 of 3 bootstraps", "3 bootstraps in 0:24"]
    for _ in over(range(2), "clusterings"):
        clock.pass_by(4)
    assert "2 clusterings" in said()[-1]


def test_the_clock_on_the_wall_may_go_back(clock, said, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: -clock.now)
    with Progress(4, "images") as progress:
        for _ in range(4):
            clock.pass_by(5)
            progress.update()
    assert "1 of 4 images" in said()[0] and "0:15 left" in said()[0]


def test_a_terminal_without_blocks_gets_ascii(clock, said, monkeypatch):
    monkeypatch.setattr(Stream, "encoding", "latin-1")
    with Progress(100, "images") as progress:
        clock.pass_by(5)
        progress.update(42)
    assert said()[0] == "####2       42%  42 of 100 images, 8.4 images/s, 0:06 left"
    assert said()[1].isascii()


def test_a_job_without_an_error_stream_goes_on(clock, said, monkeypatch):
    monkeypatch.setattr(bars.sys, "stderr", None)
    for _ in over(range(3), "images"):
        clock.pass_by(5)
    assert len(said()) == 2


def test_job_and_bar_reach_the_terminal_and_no_warning_comes_of_it(tmp_path):
    log = tmp_path / "results/tiles/logs/extract_features/tiles/resnet50.log"
    code = (
        f"from nearlabel.logs import configure_logging; configure_logging({str(log)!r}); "
        "from nearlabel import bars; bars.FIRST = bars.ON_TERMINAL = bars.ELSEWHERE = 0; "
        "list(bars.over(range(3), 'images'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("extract_features/tiles/resnet50: ") and "\r" not in line for line in lines)
    assert log.read_text(encoding="utf-8").count("%  ") == 3
    assert collect_warnings([log]) == {}
