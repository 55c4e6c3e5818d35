"""A process that writes bundles is killed at any moment: every number stands for a whole bundle."""

import random
import signal
import subprocess
import sys
import time

import pytest

from helpers.places import REPOSITORY
from helpers.written_bundles import write_made
from nearlabel.production.bundle.files import check_bundle, read_bundle
from nearlabel.production.bundle.numbering import list_numbers

WRITER = """
import sys
from pathlib import Path
from helpers.written_bundles import made_content
from nearlabel.production.bundle.writing import write_bundle
# What it imports takes longer than a bundle.
write_bundle(Path(sys.argv[1], "..", "scratch"), made_content())
print("ready", flush=True)
for number in range(100_000):
    write_bundle(Path(sys.argv[1]), made_content(coverage=0.5 + (number + int(sys.argv[2])) / 1e7))
"""


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    bundles, rng, before = tmp_path / "bundles", random.Random(0), {}
    for life in range(12):
        command = [sys.executable, "-c", WRITER, str(bundles), str(1000 * life)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY / "tests")
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(rng.uniform(0.05, 1))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        for number in list_numbers(bundles):
            facts = check_bundle(bundles / str(number))
            # Old ones are never touched.
            assert facts["number"] == number and before.setdefault(number, facts["sha256"]) == facts["sha256"]
    assert list_numbers(bundles) == list(range(1, len(before) + 1)) and len(before) > 12
    write_made(bundles)
    assert not list(bundles.glob(".*.part")) and read_bundle(bundles).number == 1
