import os
import signal
import threading

import pytest

from nearlabel.features.encoding.processes import share_out, share_out_in_order


@pytest.mark.parametrize("processes", [0, 1, 2, 16])
def test_every_piece_is_done_once(processes):
    found = list(share_out(lambda piece: piece * piece, 9, processes))
    assert sorted(found) == [(piece, piece * piece) for piece in range(9)]
    assert list(share_out_in_order(lambda piece: -piece, 9, processes)) == [-piece for piece in range(9)]
    assert list(share_out(lambda piece: piece, 0, processes)) == []


def test_processes_are_others_and_no_more_than_asked_for():
    pids = {pid for _, pid in share_out(lambda _: os.getpid(), 20, 3)}
    assert os.getpid() not in pids and 1 <= len(pids) <= 3


def test_what_a_process_changes_stays_there():
    state = []
    assert [found for _, found in share_out(lambda piece: state.append(piece) or len(state), 1, 1)] == [1]
    assert state == []


class Unsendable(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@pytest.mark.parametrize(
    ("raised", "seen", "words"),
    [(ValueError("bad image"), ValueError, "bad image"), (Unsendable(1, 2), RuntimeError, "Unsendable: 1 and 2")],
)
def test_an_error_arrives_and_ends_all(raised, seen, words):
    def work(piece):
        if piece == 1:
            raise raised
        return piece

    with pytest.raises(seen, match=words):
        list(share_out(work, 50, 2))
    with pytest.raises(type(raised)):
        list(share_out(work, 50, 0))


def test_a_process_that_is_killed_is_told():
    def work(piece):
        if piece == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return piece

    with pytest.raises(RuntimeError, match="ended by signal 9"):
        list(share_out(work, 50, 2))


def test_what_cannot_be_sent_is_not_passed_over():
    with pytest.raises(RuntimeError, match="2 of 2 pieces"):
        list(share_out(lambda _: threading.Lock(), 2, 1))


def test_one_who_stops_listening_leaves_no_process(tmp_path):
    def work(piece):
        (tmp_path / str(os.getpid())).touch()
        return bytes(10**6)

    pieces = share_out(work, 1000, 2)
    next(pieces)
    pieces.close()
    for file in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(file.name), 0)


def test_forked_processes_compute_on_several_threads_after_this_one_has():
    """OpenMP's pool is not forked with its threads, and a process that waited for those would never end."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        values = torch.ones(400, 400)

        def work(_):
            torch.set_num_threads(2)
            return float((values @ values).sum())

        assert dict(share_out(work, 3, 2)) == dict.fromkeys(range(3), work(0))
        assert dict(share_out(work, 3, 2)) == dict.fromkeys(range(3), 400.0**3)
    finally:
        torch.set_num_threads(before)
