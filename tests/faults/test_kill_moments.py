"""Three of the random moments of `kill_moments.py`; the script itself tries twenty."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_killed_at_three_random_moments():
    script = Path(__file__).with_name("kill_moments.py")
    options = ["--moments", "3", "--per-run", "3", "--seed", "3"]
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True)
    assert done.returncode == 0 and "3 of 3" in done.stdout, done.stdout + done.stderr
