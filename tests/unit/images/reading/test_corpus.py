"""Files of every format, depth, layout and damage: the right pixels, or the right reason."""

import re

import numpy as np
import pytest

from helpers.corpus import all_cases
from nearlabel.images.reading import UnreadableImageError, inspect_image, read_image


def problem_of(case, path):
    """What is wrong with what comes of a case; None where it is right."""
    path.write_bytes(case.content)
    try:
        facts = inspect_image(path)
        read = np.asarray(read_image(path, full_range=case.full_range))
    except UnreadableImageError as error:
        if case.reason is None:
            return f"refused: {error}"
        right = re.search(case.reason, str(error)) and "\n" not in str(error)
        return None if right else f"another reason: {error}"
    if case.reason is not None:
        return "accepted"
    if read.shape != case.pixels.shape:
        return f"shape {read.shape} instead of {case.pixels.shape}"
    if (facts.height, facts.width, 3) != read.shape or facts.frames != case.frames:
        return f"described wrongly: {facts}"
    if case.bits is not None and facts.bits != case.bits:
        return f"{facts.bits} bits"
    difference = int(np.abs(read.astype(int) - case.pixels.astype(int)).max())
    return None if difference <= case.tolerance else f"pixels differ by {difference}"


@pytest.mark.filterwarnings("ignore")
def test_every_kind_of_file(tmp_path, capfd):
    wrong, cases = [], all_cases()
    for case in cases:
        if problem := problem_of(case, tmp_path / "file"):
            wrong.append(f"{case.name}: {problem}")
    readable = sum(case.reason is None for case in cases)
    with capfd.disabled():
        print(f"\nimage files: {len(cases) - len(wrong)} of {len(cases)} as they should ({readable} readable)")
    assert wrong == []
    assert len(cases) >= 900


@pytest.mark.filterwarnings("ignore")
def test_reading_again_says_the_same_as_inspecting(tmp_path):
    """What a check refuses is not read later, but for a second look that only the check takes."""
    path = tmp_path / "file"
    for case in all_cases():
        if case.reason and "progressive" not in case.name:
            path.write_bytes(case.content)
            with pytest.raises(UnreadableImageError):
                read_image(path, full_range=case.full_range)
