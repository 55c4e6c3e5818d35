"""Image files whose bytes were changed by chance: an image or a reason comes of each, in bounded time and memory."""

import itertools
import random
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.corpus import all_cases
from helpers.fuzzing import MEMORY, mutate, mutated_files, peak_memory, read_fully
from helpers.places import LIBRARY, REPOSITORY

CASES = all_cases()


@pytest.mark.filterwarnings("ignore")
def test_an_image_or_a_reason_comes_of_every_mutated_file(tmp_path, capfd):
    before, count = peak_memory(), 1000
    images = 0
    for name, content in itertools.islice(mutated_files(seed=1), count):
        (tmp_path / "file").write_bytes(content)
        try:
            images += read_fully(tmp_path / "file")
        except Exception as error:
            raise AssertionError(f"of {name}: {error!r}") from error
    assert peak_memory() - before < MEMORY
    assert count / 10 < images < count
    with capfd.disabled():
        print(f"\nmutated image files: {count}, of which {images} are images")


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(CASES), st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=8), st.data())
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_bytes_change(tmp_path, case, changes, data):
    content = bytearray(case.content)
    for at, byte in changes:
        if content:
            content[at % len(content)] = byte
    cut = data.draw(st.integers(0, len(content)))
    for number, one in enumerate((content, content[:cut], content[cut:])):
        (tmp_path / f"{number}").write_bytes(one)
        read_fully(tmp_path / f"{number}")


def test_mutations_follow_the_seed():
    content = bytes(range(256)) * 4
    drawn = [[mutate(content, random.Random(seed)) for seed in range(20)] for _ in range(2)]
    assert drawn[0] == drawn[1] and len(set(drawn[0])) > 15 and content not in drawn[0]


def test_the_command_reads_for_as_long_as_it_is_told(tmp_path):
    paths = f"{LIBRARY.parent}:{REPOSITORY / 'tests'}"
    done = subprocess.run(
        [sys.executable, "-m", "helpers.fuzzing", "0.5"],
        capture_output=True, text=True, cwd=tmp_path, env={"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong; " in done.stdout and list(tmp_path.iterdir()) == []
