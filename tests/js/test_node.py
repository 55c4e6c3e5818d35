"""The pages' scripts in node: parts that need no page, held against SciPy and against what Python packed."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats

from nearlabel.report.explorer.packing import pack_integers, pack_numbers, pack_points, pack_texts

FOLDER = Path(__file__).parent
TEXTS = ["</script>", 'a"b\nc', "\u202eabc\u0000", "\U0001f525 \u05d0", "", "x" * 300, "a\udc80b"]


def known_answers() -> dict:
    rng = np.random.default_rng(0)
    tails = []
    for population in (2, 30, 500, 20_000, 100_000):
        for _ in range(150):
            marked, drawn = (int(n) for n in rng.integers(0, population + 1, 2) // rng.choice([1, 1, 20], 2))
            middle = drawn * marked / population
            found = int(np.clip(rng.normal(middle, 1 + 3 * np.sqrt(middle)), 0, min(marked, drawn)))
            tails.append([found, population, marked, drawn, stats.hypergeom.sf(found - 1, population, marked, drawn)])
    ps = [rng.uniform(0, 1, n) ** 3 for n in (1, 2, 3, 10) for _ in range(8)]
    integers = [[], [-1], [0, 254], [255, -1, 3], [65534], [65535, 7, 2**31 - 2], list(range(-1, 3000))]
    numbers = [np.array([0.5, np.nan, -3.25]), np.array([1.0, 40.0, np.nan]), np.full(3, np.nan), np.full(4, 2.5)]
    numbers += [rng.normal(0, 1e-9, 50), rng.uniform(-5e7, 5e7, 50).astype(np.float32)]
    points = rng.normal(0, 1, (50, 2)) * [3, 1]
    span = np.ptp(points, axis=0).max()
    places = (points - (points.min(axis=0) + points.max(axis=0)) / 2) / span + 0.5
    x, y = np.rint(places * 65534).T
    return {
        "gammas": [[float(v), special.gammaln(v)] for v in [*rng.uniform(2.5, 50, 40), *rng.integers(3, 200_000, 40)]],
        "tails": tails,
        "adjusted": [[list(p), list(stats.false_discovery_control(p))] for p in ps],
        "integers": [[pack_integers(np.array(v, dtype=np.int64)), v] for v in integers],
        "numbers": [
            [pack_numbers(v), [None if np.isnan(x) else float(x) for x in v], 0.51 * _step(v)] for v in numbers
        ],
        "texts": [[pack_texts(TEXTS), TEXTS], [pack_texts([]), []]],
        "points": [pack_points(points), x.tolist(), y.tolist()],
    }


def _step(values) -> float:
    known = values[~np.isnan(values)]
    if not len(known) or (np.ptp(known) < 65534 and (known == np.rint(known)).all()):
        return 1e-9
    # Of 16 bits, and what floating point leaves.
    return float(np.ptp(known) / 65534 + 1e-15)


def test_scripts_in_node(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed (apt-get install nodejs)")
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(known_answers()), encoding="utf-8")
    files = sorted(map(str, FOLDER.glob("*.test.js")))
    done = subprocess.run(
        [node, "--test", *files],
        capture_output=True,
        text=True,
        env=os.environ | {"NEARLABEL_ANSWERS": str(answers)},
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "# skipped 0" in done.stdout.replace("\u2139", "#"), done.stdout[-500:]
