"""Time and memory of every stage of the grouping half by the number of images, and what 1 M and 10 M would take.

Features are blobs × 512 in float32 with near-labels; each stage is one library call on one thread, in a process of its
own (`scale_stages.py`), k = 2 to 10. Run: ``python tests/benchmarks/scale.py --n 1000 10000 100000``; limit: every
stage below 8 GiB at every n. Seconds are those of the processor, which other work on the machine changes little;
``--wall`` shows elapsed ones. The last table is arithmetic, not measurement: times at the largest n grown by each
stage's exponent (the fitted one, or the known one where constants still hide it), spread over nodes as far as jobs are
independent. ``--folder DIR`` keeps files and measurements; a later call goes on from there.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scale_stages import STAGES, draw_features

LIMIT = 8 * 2**30
FAR = (1_000_000, 10_000_000)
NODES = (1, 32)
# Below this a stage is mostly start-up, which says nothing of its growth.
LEAST_SECONDS = 0.05


def measure(name: str, folder: Path) -> dict:
    """Run one stage in a process of its own."""
    script = Path(__file__).with_name("scale_stages.py")
    done = subprocess.run(
        [sys.executable, script, name, folder], capture_output=True, text=True, check=False, timeout=7200
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed in {folder}: {done.stderr[-800:]}")
    sys.stderr.write(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def fit_exponent(seconds: dict[int, float]) -> float | None:
    """Slope of log time over log n by least squares, over the n that took long enough; None for fewer than two."""
    counted = [(math.log(n), math.log(s)) for n, s in seconds.items() if s >= LEAST_SECONDS]
    return float(np.polyfit(*zip(*counted, strict=True), 1)[0]) if len(counted) > 1 else None


def format_seconds(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{two_digits(seconds / size)} {unit}"
    return f"{two_digits(seconds)} s"


def two_digits(number: float) -> str:
    """Two significant digits, more before the point where there are."""
    return f"{number:.0f}" if number >= 10 else f"{number:#.2g}"


def tabulate(results: dict[str, dict[int, dict]], ns: list[int], clock: str) -> str:
    """Table of seconds and memory, with the exponents."""
    lines = [
        "| stage | " + " | ".join(f"n = {n:,}" for n in ns) + " | exponent |",
        "| --- |" + " ---: |" * (len(ns) + 1),
    ]
    for name, by_n in results.items():
        cells = [
            "refused" if by_n[n]["refused"] else f"{format_seconds(by_n[n][clock])}, {by_n[n]['peak'] / 2**30:.2f} GiB"
            for n in ns
        ]
        exponent = fit_exponent({n: by_n[n][clock] for n in ns if not by_n[n]["refused"]})
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {'–' if exponent is None else f'{exponent:.2f}'} |")
    return "\n".join(lines)


def project(seconds: dict[int, float], grows: float | None, n: int) -> float:
    """Seconds at a larger n: by the known exponent, else by the fitted one, or on a line where that is below 1."""
    last = max(seconds)
    exponent = grows or fit_exponent(seconds)
    if exponent is not None and exponent >= 1:
        return seconds[last] * (n / last) ** exponent
    before = max((m for m in seconds if m < last), default=0)
    slope = (seconds[last] - seconds.get(before, 0.0)) / (last - before)
    return seconds[last] + max(0.0, slope) * (n - last)


def estimate(results: dict[str, dict[int, dict]], clock: str, cores: int) -> str:
    """Table of what larger n would take, from the stages that did not refuse the largest measured."""
    last = max(n for by_n in results.values() for n in by_n)
    alive = {name: by_n for name, by_n in results.items() if not by_n[last]["refused"]}
    columns = [(n, nodes) for n in FAR for nodes in NODES]
    lines = [
        "| stage | "
        + " | ".join(f"{n:,}, {nodes} node{'s' if nodes > 1 else ''}" for n, nodes in columns)
        + " | "
        + " | ".join(f"memory of a job at {n:,}" for n in FAR)
        + " |",
        "| --- |" + " ---: |" * (len(columns) + len(FAR)),
    ]
    total = {}
    for name, by_n in alive.items():
        base = min(found["peak"] for found in by_n.values())
        total[name] = {n: project({m: found[clock] for m, found in by_n.items()}, STAGES[name].grows, n) for n in FAR}
        times = [_span([(total[name][n], STAGES[name].jobs)], nodes * cores) for n, nodes in columns]
        # What is held is in proportion to n, beside the libraries.
        memory = [(base + (by_n[last]["peak"] - base) * n / last) / 2**30 for n in FAR]
        cells = [*map(format_seconds, times), *(f"{two_digits(m)} GiB" for m in memory)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for words, kept in (
        ("everything", list(alive)),
        ("without graphs of neighbours", [name for name in alive if "neighbours" not in name]),
    ):
        phases = sorted({STAGES[name].phase for name in kept})
        spans = [
            sum(
                _span(
                    [(total[name][n], STAGES[name].jobs) for name in kept if STAGES[name].phase == phase], nodes * cores
                )
                for phase in phases
            )
            for n, nodes in columns
        ]
        lines.append(f"| {words} | " + " | ".join(map(format_seconds, spans)) + " | | |")
    return "\n".join(lines)


def _span(stages: list[tuple[float, int]], slots: int) -> float:
    """Shortest time of stages side by side, each of so many seconds in so many equal jobs."""
    return max(max(seconds / jobs for seconds, jobs in stages), sum(seconds for seconds, _ in stages) / slots)


def measure_all(stages: list[str], ns: list[int], dimensions: int, folder: Path) -> dict[str, dict[int, dict]]:
    """Draw features for every n and run the stages on them; what the folder has from an earlier call is taken over."""
    kept = folder / "measured.json"
    done = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for n in ns:
        own = folder / str(n)
        if not (own / "images.csv").exists():
            draw_features(own, n, dimensions)
        for name in stages:
            if f"{n} {name}" not in done:
                found = done[f"{n} {name}"] = measure(name, own)
                kept.write_text(json.dumps(done, indent=1), encoding="utf-8")
                told = found["refused"] or f"{found['cpu']:.1f} s, {found['peak'] / 2**30:.2f} GiB"
                print(f"{n} {name}: {told}", file=sys.stderr, flush=True)
        if (own / "silhouette_error.csv").exists():
            table = np.genfromtxt(own / "silhouette_error.csv", delimiter=",", names=True, usecols=(2, 3))
            few, many = table["sample"].min(), table["sample"].max()
            worst = np.nanmax(table["standard_error"])
            print(f"{n}: silhouettes of {few:.0f} to {many:.0f} images, standard error up to {worst:.2g}")
    return {name: {n: done[f"{n} {name}"] for n in ns} for name in stages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--cores", type=int, default=2, help="cores of a node in the estimate")
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--folder", type=Path, help="keeps files and measurements, so that a later call goes on")
    arguments = parser.parse_args()
    ns, clock = sorted(arguments.n), "wall" if arguments.wall else "cpu"
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        results = measure_all(arguments.stages, ns, arguments.dimensions, folder)
    print(f"\n{arguments.dimensions} features, k = 2 to 10, one thread, seconds: {clock}\n")
    print(tabulate(results, ns, clock))
    peak = max(found["peak"] for by_n in results.values() for found in by_n.values())
    print(f"\nlargest peak memory {peak / 2**30:.2f} GiB; {peak / LIMIT:.2f} of the limit")
    print(f"\nEstimate, {arguments.cores} cores a node\n\n{estimate(results, clock, arguments.cores)}")


if __name__ == "__main__":
    main()
