"""Random moments of `kill_watcher.py` with short waits; the script itself tries a hundred with the real ones."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--archive"]])
def test_killed_at_twelve_random_moments(options):
    script = Path(__file__).with_name("kill_watcher.py")
    command = [sys.executable, script, "--fast", "--moments", "12", "--seed", "3", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0 and "12 of 12" in done.stdout, done.stdout + done.stderr
