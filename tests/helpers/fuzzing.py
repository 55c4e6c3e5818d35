"""Mutated image files, by a seed; and ``python -m helpers.fuzzing SECONDS [SEED]`` reads them for a while.

From the folder ``tests``, with the library on the path. It ends with 1 when anything but an image or a reason came of a
file, or more than 512 MiB were needed, and leaves such files in the folder where it was called.
"""

import logging
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

from helpers.corpus import all_cases
from nearlabel.images.reading import UnreadableImageError, inspect_image, read_image

MEMORY = 512 << 20
MAX_PIXELS = 1 << 22
"""Of the images read; what more of them need grows with this."""

# Numbers that headers hold: sizes, counts, depths.
_NUMBERS = (0, 1, 2, 3, 7, 8, 12, 16, 32, 127, 128, 254, 255)


def mutate(content: bytes, drawn: random.Random) -> bytes:
    """Change a file as storage, transfer and tools do: bits, bytes, pieces lost, repeated, moved, or cut off."""
    changed = bytearray(content)
    for _ in range(drawn.choice((1, 1, 1, 2, 4, 16))):
        if not changed:
            break
        # Headers are where most depends on a byte.
        reach = len(changed) if drawn.random() < 0.5 else min(len(changed), 300)
        at = drawn.randrange(reach)
        length = drawn.choice((1, 2, 4, 16, 64))
        kind = drawn.randrange(8)
        if kind == 0:
            changed[at] ^= 1 << drawn.randrange(8)
        elif kind == 1:
            changed[at] = drawn.choice(_NUMBERS)
        elif kind == 2:
            changed[at] = drawn.randrange(256)
        elif kind == 3:
            del changed[at : at + length]
        elif kind == 4:
            changed[at:at] = changed[at : at + length]
        elif kind == 5:
            changed[at : at + length] = drawn.randbytes(length)
        elif kind == 6:
            del changed[at:]
        else:
            changed[at : at + 4] = drawn.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\1\0\0"))
    return bytes(changed)


def mutated_files(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield mutated files of the corpus without end, each with its name; the same for a seed."""
    drawn, cases = random.Random(seed), all_cases()
    while True:
        case = drawn.choice(cases)
        yield case.name, mutate(case.content, drawn)


def read_fully(path: Path) -> bool:
    """Inspect a file and read it; return whether it is an image, and raise whatever is neither that nor a reason."""
    try:
        inspect_image(path, MAX_PIXELS)
        image = read_image(path, MAX_PIXELS)
    except UnreadableImageError as error:
        if not str(error) or "\n" in str(error):
            raise AssertionError(f"no reason in one sentence: {str(error)!r}") from error
        return False
    if image.mode != "RGB" or min(image.size) < 1:
        raise AssertionError(f"not an RGB image: {image}")
    return True


def peak_memory() -> int:
    """Most bytes that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(seconds: float, seed: int = 0) -> int:
    """Read mutated files for a while; return the exit status."""
    warnings.simplefilter("ignore")
    logging.disable()
    before, end, files, images, wrong = peak_memory(), time.monotonic() + seconds, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        for name, content in mutated_files(seed):
            if time.monotonic() > end:
                break
            path.write_bytes(content)
            files += 1
            started = time.monotonic()
            try:
                images += read_fully(path)
                slow, held = time.monotonic() - started, peak_memory() - before
                if slow > 5 or held > MEMORY:
                    before = peak_memory()
                    raise AssertionError(f"it took {slow:.1f} s and {held} bytes")
            except Exception:
                wrong += 1
                kept = Path(f"fuzzed_{seed}_{files}")
                kept.write_bytes(content)
                print(f"{kept}, of {name}:\n{traceback.format_exc(limit=-4)}")
    print(f"{files} files, {images} images, {files - images - wrong} reasons, {wrong} wrong; {peak_memory()} bytes")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), *map(int, sys.argv[2:])))
