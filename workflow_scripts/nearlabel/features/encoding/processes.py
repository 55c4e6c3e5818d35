"""Work shared out over processes that are forked from this one, so that they hold a network's weights together."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

FORKS = "fork" in multiprocessing.get_all_start_methods()
"""Whether this system has processes that begin as a copy; a spawned one would first run the job's script again."""


def share_out(work: Callable[[int], Any], count: int, processes: int) -> Iterator[tuple[int, Any]]:
    """Do pieces of work in forked processes.

    A process takes the next piece when it has done its last. Nothing that it changes is seen here; what it gives is
    sent.

    Parameters
    ----------
    work : callable
        Takes the number of a piece, from 0; what it returns can be pickled.
    count : int
        Pieces.
    processes : int
        0 does all in this process, as does a system that cannot fork.

    Yields
    ------
    int and object
        The piece's number and what `work` made of it, in the order in which they are done.

    Raises
    ------
    Exception
        The first that `work` raises; all processes then end.
    RuntimeError
        A process was killed.
    """
    if not processes or not FORKS:
        yield from ((piece, work(piece)) for piece in range(count))
        return
    context = multiprocessing.get_context("fork")
    taken = context.Value("q", 0)
    at_work: dict[Connection, Any] = {}
    left = count
    try:
        for _ in range(min(processes, count)):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_serve, args=(os.getpid(), work, count, taken, sender), daemon=True)
            process.start()
            # Only the process itself holds this end, so that it closes when that ends.
            sender.close()
            at_work[receiver] = process
        while at_work:
            for receiver in wait(list(at_work)):
                try:
                    piece, found = receiver.recv()
                except EOFError:
                    _require_ended_well(at_work.pop(receiver))
                    continue
                if isinstance(found, Exception):
                    raise found
                left -= 1
                yield piece, found
        if left:
            raise RuntimeError(f"{left} of {count} pieces of work have come to nothing that can be sent")
    finally:
        for receiver, process in at_work.items():
            process.kill()
            process.join()
            receiver.close()


def share_out_in_order(work: Callable[[int], Any], count: int, processes: int) -> Iterator[Any]:
    """Do pieces of work as `share_out` does; yield what is made of them in their order."""
    waiting: dict[int, Any] = {}
    wanted = 0
    for piece, found in share_out(work, count, processes):
        waiting[piece] = found
        while wanted in waiting:
            yield waiting.pop(wanted)
            wanted += 1


def _require_ended_well(process: Any) -> None:
    process.join()
    if process.exitcode:
        how = f"by signal {-process.exitcode}" if process.exitcode < 0 else f"with {process.exitcode}"
        raise RuntimeError(
            f"a process that encodes ended {how}, perhaps for want of memory; set workers or batch_size lower"
        )


def _serve(parent: int, *task: Any) -> None:
    """What a process does."""
    # Ctrl-C reaches this process too; the one that waits for it says so, and ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    # OpenMP keeps a pool of threads for each thread that has computed on several, and would wait for ever for those
    # that this process' own thread had before the fork. A new thread has none.
    working = threading.Thread(target=_take_pieces, args=task)
    working.start()
    working.join()


def _take_pieces(work: Callable[[int], Any], count: int, taken: Any, sender: Connection) -> None:
    while True:
        with taken.get_lock():
            piece = taken.value
            taken.value += 1
        if piece >= count:
            return
        try:
            found = work(piece)
        except Exception as error:
            found = _as_sent(error)
        sender.send((piece, found))


def _as_sent(error: Exception) -> Exception:
    """An error as it arrives: other kinds than Python's own may not, and become a RuntimeError of the same words."""
    return error if type(error).__module__ == "builtins" else RuntimeError(f"{type(error).__name__}: {error}")


def end_with(parent: int) -> None:
    """Let this process end when its parent was killed; blocked on a full pipe, it would stay for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
