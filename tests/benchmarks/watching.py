"""What watching costs beside labelling: latency of one image, rate of a drop, the price of files that lie there.

Latency: from when a file is ready (it stands still) until its label is on the disk, over decoding, placing and one pass
of the encoder. Rate: a drop of images, all ready, over the encoder's bare passes, and over the labeller without inbox
and database. Looks: CPU seconds of one look at 100,000 files that are known, and memory. The load average beside them.

    python tests/benchmarks/watching.py BUNDLE FOLDER [--images 200] [--workers 1] [--files 100000]
"""

import argparse
import os
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from nearlabel.features.batches import encode_images
from nearlabel.features.encoding.needs import count_cores
from nearlabel.images.reading import read_whole
from nearlabel.production.bundle.files import read_bundle
from nearlabel.production.commands.main import SWITCH
from nearlabel.production.database.opening import open_database
from nearlabel.production.labeller.encoders import build_bundle_encoder
from nearlabel.production.labeller.folder import label_files
from nearlabel.production.labeller.labeller import Labeller
from nearlabel.production.watch.inbox import Inbox
from nearlabel.production.watch.options import WatchOptions
from nearlabel.production.watch.settling import Settling
from nearlabel.production.watch.watcher import Watcher

SUFFIXES = (".jpg", ".png", ".bmp")
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--workers", type=int, default=max(1, count_cores() - 1))
    parser.add_argument("--files", type=int, default=100_000)
    arguments = parser.parse_args()
    # As the command does.
    sys.setswitchinterval(SWITCH)
    bundle = read_bundle(arguments.bundle)
    labeller = Labeller(bundle, device="cpu")
    encoder = build_bundle_encoder(bundle, bundle.nodes["root"].encoder, device="cpu")
    found = sorted(path for path in arguments.folder.rglob("*") if path.suffix in SUFFIXES)
    paths = found[:: max(1, len(found) // arguments.images)][: arguments.images]
    print(f"{bundle.nodes['root'].encoder}, {len(paths)} images, {os.cpu_count()} cores")
    print(f"load average {os.getloadavg()[0]:.1f}")
    print(f"latency: {measure_latency(labeller, encoder, paths, arguments.workers)}")
    print(f"rate:    {measure_rate(labeller, encoder, paths, arguments.workers)}")
    print(f"looks:   {measure_looks(arguments.files)}")
    print(f"load average {os.getloadavg()[0]:.1f}")


class Watched:
    """A watcher of a new inbox, its latencies, and the seconds from its first task to its last transaction."""

    def __init__(self, folder: Path, labeller: Labeller, **options):
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.connection = open_database(folder / "labels.sqlite", create=True, any_thread=True)
        source = SimpleNamespace(labeller=labeller, look=lambda: None)
        options = WatchOptions(settle_s=0.0, report_every_s=0, **options)
        self.watcher = Watcher(self.inbox, folder / "labels.sqlite", self.connection, source, options)
        self.latencies: list[float] = []
        self.last = 0.0
        self.watcher.speed.add = self.add

    def add(self, latencies):
        self.latencies += latencies
        self.last = time.monotonic()


class _Times:
    """Seconds of each block, by the clock and of all cores."""

    def __init__(self):
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def __enter__(self):
        self._start = time.monotonic(), time.process_time()

    def __exit__(self, *_):
        self.wall.append(time.monotonic() - self._start[0])
        self.cpu.append(time.process_time() - self._start[1])


def measure_latency(labeller: Labeller, encoder, paths: list[Path], workers: int) -> str:
    bare = []
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(Path(folder), labeller, workers=workers, poll_s=0.02)
        thread = threading.Thread(target=watched.watcher.run)
        thread.start()
        for number, path in enumerate(paths[:10] + paths):
            start = time.perf_counter()
            image = read_whole(path)[0].to_rgb()
            encode_images(encoder, [encoder.prepare(image)], 1)
            bare.append(time.perf_counter() - start)
            name = f"{number:05d}{path.suffix}"
            # No two have the same bytes; what follows an image's end is not read.
            (watched.inbox / f".{name}").write_bytes(path.read_bytes() + f"{number}".encode())
            os.rename(watched.inbox / f".{name}", watched.inbox / name)
            while len(watched.latencies) <= number:
                time.sleep(0.002)
        watched.watcher.stop()
        thread.join()
        watched.connection.close()
    ratios = [one / other for one, other in zip(watched.latencies[10:], bare[10:], strict=True)]
    return (
        f"{1e3 * statistics.median(watched.latencies[10:]):.1f} ms an image, decoding and encoding alone "
        f"{1e3 * statistics.median(bare[10:]):.1f} ms; median of the ratios {statistics.median(ratios):.2f}; "
        f"the disk takes {1e3 * measure_disk():.1f} ms of it"
    )


def measure_disk() -> float:
    """Seconds that the disk takes to have some kB, as each transaction waits for."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            file.write(bytes(8192))
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure_rate(labeller: Labeller, encoder, paths: list[Path], workers: int) -> str:
    placed = [encoder.prepare(read_whole(path)[0].to_rgb()) for path in paths]
    bare, alone, watching = _Times(), _Times(), _Times()
    for _ in range(ROUNDS):
        with bare:
            encode_images(encoder, placed, 1)
        with alone:
            list(label_files(labeller, list(map(str, paths)), workers=workers))
        with tempfile.TemporaryDirectory() as folder:
            watched = Watched(Path(folder), labeller, workers=workers, once=True)
            for number, path in enumerate(paths):
                shutil.copy(path, watched.inbox / f"{number:05d}{path.suffix}")
            start = time.monotonic()
            with watching:
                watched.watcher.run()
            watching.wall[-1] = watched.last - start
            watched.connection.close()
    rates = [len(paths) / statistics.median(times.wall) for times in (watching, alone, bare)]
    spent = [1e3 * statistics.median(times.cpu) / len(paths) for times in (watching, alone, bare)]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"{rates[0]:.0f} images/s with {workers} thread(s) that decode; the labeller alone {rates[1]:.0f} "
        f"({rates[0] / rates[1]:.2f} times), the encoder's bare passes {rates[2]:.0f} "
        f"({rates[0] / rates[2]:.2f} times); CPU of an image: {spent[0]:.1f}, {spent[1]:.1f}, {spent[2]:.1f} ms; "
        f"{memory:.0f} MB at most"
    )


def measure_looks(files: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            place = Path(folder) / f"{number // 1000:04d}"
            place.mkdir(exist_ok=True)
            (place / f"camera1_{number:08d}.png").touch()
        inbox, settling = Inbox(folder), Settling(0.0, 1.0, lambda found: True)
        while settling.look(inbox.list()).recorded:
            pass
        times = []
        for _ in range(5):
            start = time.process_time()
            settling.look(inbox.list())
            times.append(time.process_time() - start)
    return f"{statistics.median(times):.2f} s of CPU for {files} files that are known"


if __name__ == "__main__":
    main()
