"""What measurements beside a peer share: turns and a description of the machine; and thingsvision's extraction.

thingsvision 2.7.3 asks for torchvision 0.15.2, NumPy before 2 and TensorFlow before 2.16, so it cannot be installed
beside nearlabel. It runs in an interpreter of its own (at most Python 3.11), of which this file asks for nothing else::

    python3.11 -m venv elsewhere && elsewhere/bin/pip install thingsvision==2.7.3

That interpreter then runs ``peers.py FOLDER --network resnet50``, which prints seconds as JSON.
"""

import argparse
import contextlib
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path


def take_turns(
    measures: Mapping[object, Callable[[], object]], repeats: int, *, warm_up: int = 0
) -> dict[object, list[float]]:
    """Seconds of every call of every measure; they take turns, so that other work on the machine disturbs all alike.

    A measure that times itself returns its seconds as a float; what others return is ignored.
    """
    seconds: dict[object, list[float]] = {name: [] for name in measures}
    for turn in range(warm_up + repeats):
        for name, measure in measures.items():
            start = time.perf_counter()
            own = measure()
            spent = own if isinstance(own, float) else time.perf_counter() - start
            if turn >= warm_up:
                seconds[name].append(spent)
    return seconds


def describe_machine(packages: Iterable[str]) -> str:
    """Say on which processor, with how many cores and under which versions something ran, in a few lines."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    # A container may be allowed fewer cores than the machine has.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"{model}; {os.cpu_count()} cores, {usable} usable; {platform.system()} {platform.machine()}; "
        f"Python {platform.python_version()}\n{', '.join(versions)}"
    )


def thingsvision_versions(python: str) -> str | None:
    """Versions of thingsvision, PyTorch and torchvision in an interpreter; None: it has no thingsvision."""
    code = (
        "from importlib.metadata import version as v\nfor p in ('thingsvision', 'torch', 'torchvision'): print(p, v(p))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return ", ".join(done.stdout.splitlines()) if done.returncode == 0 else None


def call_thingsvision(python: str, paths: list[str], network: str, batch_size: int, threads: int) -> float:
    """Seconds of thingsvision in its own interpreter, on links to the images; its start is not counted."""
    with tempfile.TemporaryDirectory() as name:
        for number, path in enumerate(paths):
            (Path(name) / f"{number:06d}{Path(path).suffix}").symlink_to(Path(path).resolve())
        command = [python, __file__, name, "--network", network, "--batch-size", str(batch_size)]
        done = subprocess.run([*command, "--threads", str(threads)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"thingsvision failed in {python}:\n{done.stderr}")
    # thingsvision prints lines of its own.
    made = json.loads(done.stdout.splitlines()[-1])
    if made["shape"][0] != len(paths):
        raise RuntimeError(f"thingsvision gave features of {made['shape'][0]} of {len(paths)} images")
    return made["seconds"]


def extract_by_thingsvision(folder: str, network: str, batch_size: int, threads: int) -> dict:
    """Pooled features of a flat folder of images by a torchvision network of random weights: seconds and shape."""
    import torch
    from thingsvision import get_extractor
    from thingsvision.utils.data import DataLoader, ImageDataset

    torch.set_num_threads(threads)
    extractor = get_extractor(model_name=network, pretrained=False, device="cpu", source="torchvision")
    backend = extractor.get_backend()
    with tempfile.TemporaryDirectory() as order:
        start = time.perf_counter()
        dataset = ImageDataset(root=folder, out_path=order, backend=backend, transforms=extractor.get_transformations())
        batches = DataLoader(dataset=dataset, batch_size=batch_size, backend=backend)
        features = extractor.extract_features(batches=batches, module_name="avgpool", flatten_acts=True)
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "shape": list(features.shape)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="images, without folders below")
    parser.add_argument("--network", default="resnet50", help="a ResNet of torchvision")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(json.dumps(extract_by_thingsvision(options.folder, options.network, options.batch_size, options.threads)))


if __name__ == "__main__":
    main()
