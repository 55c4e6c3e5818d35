"""A folder's images through a labeller: decoded ahead in threads, a bounded number, in their order."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from nearlabel.images.reading import UnreadableImageError
from nearlabel.production.labelled import Labelled, Prepared
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.labeller.outcomes import label_each

BATCH = 32
"""Images labelled at a time."""

# Images that fail, though they may be read, where none was labelled: then it is not the images.
_FAILURES = 3


def label_files(
    labeller: Labeller, paths: Iterable[str], *, workers: int = 1, batch: int = BATCH
) -> Iterator[tuple[str, Labelled | str]]:
    """Label image files.

    Memory holds what two batches need, whatever the number of files. An image that fails, for whatever reason, spoils
    no others.

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

    Raises
    ------
    ValueError
        Image after image fails, and none was labelled.
    """
    failed, worked = 0, False
    with ThreadPoolExecutor(workers) as pool:
        for held in _prepared(pool, labeller, paths, batch):
            said = iter(label_each(labeller.label, [image for _, image in held if isinstance(image, Prepared)]))
            found = [(path, next(said) if isinstance(image, Prepared) else image) for path, image in held]
            worked = worked or any(isinstance(one, Labelled) for _, one in found)
            for path, one in found:
                if not isinstance(one, Exception):
                    yield path, one
                    continue
                failed += 1
                reason = str(one) or type(one).__name__
                if failed >= _FAILURES and not worked:
                    raise ValueError(f"one image after another cannot be labelled; {path}: {reason}") from one
                yield path, reason


def _prepared(
    pool: ThreadPoolExecutor, labeller: Labeller, paths: Iterable[str], batch: int
) -> Iterator[list[tuple[str, Prepared | str | Exception]]]:
    """Batches of images in their order, as many decoded ahead."""
    waiting: deque[tuple[str, Future]] = deque()
    held: list[tuple[str, Prepared | str | Exception]] = []
    for path in paths:
        waiting.append((path, pool.submit(_prepare, labeller, path)))
        if len(waiting) == batch:
            held.append(_ready(*waiting.popleft()))
        if len(held) == batch:
            yield held
            held = []
    held += [_ready(path, future) for path, future in waiting]
    for start in range(0, len(held), batch):
        yield held[start : start + batch]


def _prepare(labeller: Labeller, path: str) -> Prepared | str | Exception:
    try:
        return labeller.prepare(path)
    except UnreadableImageError as error:
        return str(error)
    except Exception as error:  # Memory that one huge image needs, say; its frames would hold what there is of it.
        return error.with_traceback(None)


def _ready(path: str, future: Future) -> tuple[str, Prepared | str | Exception]:
    return path, future.result()
