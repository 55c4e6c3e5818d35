"""A folder's images through a labeller: decoded ahead in threads, a bounded number, in their order."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.labelled import Labelled, Prepared
from nearlabel.production.labeller.labeller import Labeller

BATCH = 32
"""Images labelled at a time."""


def label_files(
    labeller: Labeller, paths: Iterable[str], *, workers: int = 1, batch: int = BATCH
) -> Iterator[tuple[str, Labelled | str]]:
    """Label image files.

    Memory holds what two batches need, whatever the number of files.

    Parameters
    ----------
    labeller : Labeller
    paths : iterable of str
    workers : int
        Threads that decode while others are labelled.
    batch : int
        Images labelled at a time.

    Yields
    ------
    str
        The path; in the order of `paths`.
    Labelled or str
        What is said of the image, or why it is none that can be labelled.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[str, Future]] = deque()
        held: list[tuple[str, Prepared | str]] = []
        for path in paths:
            waiting.append((path, pool.submit(_prepare, labeller, path)))
            if len(waiting) == batch:
                held.append(_ready(*waiting.popleft()))
            if len(held) == batch:
                yield from _label(labeller, held)
                held = []
        held += [_ready(path, future) for path, future in waiting]
        for start in range(0, len(held), batch):
            yield from _label(labeller, held[start : start + batch])


def _prepare(labeller: Labeller, path: str) -> Prepared | str:
    try:
        return labeller.prepare(path)
    except UnreadableImageError as error:
        return str(error)


def _ready(path: str, future: Future) -> tuple[str, Prepared | str]:
    return path, future.result()


def _label(labeller: Labeller, held: list[tuple[str, Prepared | str]]) -> Iterator[tuple[str, Labelled | str]]:
    said = iter(labeller.label([image for _, image in held if isinstance(image, Prepared)]))
    for path, image in held:
        yield path, next(said) if isinstance(image, Prepared) else image
