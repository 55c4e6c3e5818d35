"""Kill a run of the tiny config at random moments, go on with the plain command, and compare what comes out.

Run from the repository: ``python tests/faults/kill_moments.py [--moments 20] [--seed 0] [--per-run 1]``. At each moment
a fresh run is killed (SIGKILL to the whole process group), unlocked and called again; its final files must equal those
of an undisturbed run byte for byte. With ``--per-run 4`` a run is killed four times before it may end, which takes a
fraction of the time; moments count as passed together. ``--half`` leaves one half out. Prints ``20 of 20``.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.workspace import TINY, copy_workflow

FINAL = (".csv", ".json", ".h5", ".svg", ".png", ".tex", ".md", ".jpg", ".skops", ".txt")


def call(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start snakemake in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "tiny.yaml", "--cores", "2", *arguments]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def prepare(folder: Path, config: dict) -> None:
    """Make a folder in which the workflow can run with this config."""
    folder.mkdir()
    copy_workflow(folder)
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def final_files(folder: Path) -> dict[str, bytes]:
    """Bytes of everything whose content the config fixes."""
    run = folder / "results/tiny"
    return {
        str(file.relative_to(run)): file.read_bytes()
        for file in sorted(run.rglob("*"))
        if file.suffix in FINAL and not {"logs", "benchmarks"} & set(file.relative_to(run).parts)
    }


def kill_after(folder: Path, seconds: float) -> bool:
    """Start a run and kill its process group after so many seconds; False: it had ended before."""
    process = call(folder)
    try:
        assert process.wait(timeout=seconds) == 0, "a run failed before it was killed"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def kill_at(folder: Path, config: dict, moments: list[float]) -> list[int] | None:
    """Start a run afresh, kill it at these seconds in turn; final files of each moment, None where it ended before."""
    if folder.exists():
        shutil.rmtree(folder)
    prepare(folder, config)
    there = []
    for last, moment in pairwise([0.0, *moments]):
        if not kill_after(folder, moment - last):
            return None
        there.append(len(final_files(folder)))
        call(folder, "--unlock").wait()
    return there


def main() -> int:
    """Kill, go on, compare; return 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--per-run", type=int, default=1, help="kills of one run")
    parser.add_argument("--half", choices=["both", "grouping", "learning"], default="both")
    options = parser.parse_args()
    config = yaml.safe_load(yaml.safe_dump(TINY))
    # Every rule, few jobs of each; a tree that grows by itself uses the checkpoint too.
    config["grouping"]["levels"][0]["encoders"] = ["resnet18"]
    config["grouping"]["ks_per_job"] = 25
    config["grouping"] |= {"expand": "auto", "expand_limits": {"min_size": 4, "max_level": 1, "max_children": 1}}
    for half in {"grouping": ["learning"], "learning": ["grouping"]}.get(options.half, []):
        del config[half]
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        undisturbed = Path(scratch) / "undisturbed"
        prepare(undisturbed, config)
        started = time.monotonic()
        assert call(undisturbed).wait() == 0, "the undisturbed run failed"
        whole = time.monotonic() - started
        expected = final_files(undisturbed)
        rules = {file.name for file in (undisturbed / "results/tiny/benchmarks").iterdir()}
        print(f"undisturbed: {whole:.0f} s, {len(expected)} files of {len(rules)} rules", flush=True)
        right = 0
        moments = [rng.uniform(0.02, 0.98) * whole for _ in range(options.moments)]
        for number in range(0, options.moments, options.per_run):
            batch = sorted(moments[number : number + options.per_run])
            folder = Path(scratch) / f"killed{number}"
            while (there := kill_at(folder, config, batch)) is None:
                # The machine is faster than it was: no kill, no proof.
                batch = [moment / 2 for moment in batch]
            again = call(folder).wait()
            found = final_files(folder)
            different = [name for name in expected if found.get(name) != expected[name]]
            extra = sorted(set(found) - set(expected))
            part = [str(file) for file in folder.rglob("*") if re.fullmatch(r"\..*\.part", file.name)]
            good = again == 0 and not different and not extra
            right += good * len(batch)
            when, files = ", ".join(f"{moment:.0f}" for moment in batch), ", ".join(map(str, there))
            print(
                f"killed after {when} s with {files} files: "
                + ("the same bytes" if good else f"exit {again}, different {different[:3]}, extra {extra[:3]}")
                + (f"; {len(part)} partial files left under other names" if part else ""),
                flush=True,
            )
            shutil.rmtree(folder)
    print(f"{right} of {options.moments}")
    return right != options.moments


if __name__ == "__main__":
    sys.exit(main())
